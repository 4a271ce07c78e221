import CGantryPlugin
import Foundation
import Glibc
import HostPluginABI
import Testing

@testable import HostPlugins

@Suite(.serialized)
struct WorkerProcessTests {
    @Test
    func theOpenAIPluginServesInAWorker() throws {
        let worker = try RunningWorker(opening: WorkerProcess.besideThisTest("libgantry-plugin-openai.so"))
        #expect(worker.facts.id == "openai")
        try worker.serve(parameters: #"{"model":"gpt-4o","api_key":{"secret":"key"}}"#)

        for operation in 1...500 as ClosedRange<UInt64> {
            let chat = #"{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}]}"#
            let answer = try worker.step(operation, data: chat, text: "req-\(operation)")
            #expect(answer.status == Status.ok)
            #expect(answer.urls == ["https://api.openai.com/v1/chat/completions"])
            if operation % 2 == 0 { try worker.send(FreeMessage.message(operations: [operation])) }
        }
    }

    @Test
    func theOpenAIPluginRefusesParametersWithItsOwnWords() throws {
        let worker = try RunningWorker(opening: WorkerProcess.besideThisTest("libgantry-plugin-openai.so"))
        try worker.process.makeInstance(Array("{}".utf8), worker.services)

        let refusal = #expect(throws: RefusedMessage.self) {
            try worker.process.makeTarget(1, Array(#"{"model":"gpt-4o","colour":"red"}"#.utf8), worker.services)
        }

        #expect(refusal?.reason == .configurationRefused)
        #expect(refusal.map { "\($0.parameter) \($0.message)" }?.contains("colour") == true)
        // A refusal is no end: the next one is good.
        try worker.process.makeTarget(1, Array(#"{"model":"gpt-4o","api_key":{"secret":"key"}}"#.utf8), worker.services)
    }

    @Test
    func targetsComeAndGoWhileItServes() throws {
        try withTinyWorker { worker in
            try worker.process.makeTarget(2, Array("{}".utf8), worker.services)
            try worker.process.freeTarget(2, worker.services)
            try worker.process.makeTarget(2, Array("{}".utf8), worker.services)
            #expect(try worker.step(data: "echo", text: "still here").outputs == ["still here"])
            try worker.process.freeTarget(1, worker.services)
            #expect(
                try worker.step(isNew: false, data: "echo", text: "its operation too").outputs == ["its operation too"]
            )
            try worker.send(FreeMessage.message(operations: [1]))
        }
    }

    @Test(arguments: [0, 65_000, 65_528, 1_000_000])
    func stepsOfAnyLengthGoThereAndBack(length: Int) throws {
        try withTinyWorker { worker in
            let text = String(repeating: "é", count: length / 2)
            let answer = try worker.step(data: "echo", text: text)
            #expect(answer.outputs == [text])
        }
    }

    @Test
    func manyOperationsAreInFlight() throws {
        try withTinyWorker { worker in
            for operation in 1...50 as ClosedRange<UInt64> {
                try worker.send(worker.stepMessage(operation, isNew: true, data: "echo", text: "\(operation)"))
            }
            for operation in 1...50 as ClosedRange<UInt64> {
                #expect(try worker.answer(of: operation).outputs == ["\(operation)"])
            }
        }
    }

    @Test(arguments: [("sign", "0 32 58"), ("small buffer", "-5 32"), ("cache", "0 0 value -6")])
    func whatNeedsTheHostIsAskedOfIt(act: String, expected: String) throws {
        try withTinyWorker { worker in
            let answer = try worker.step(data: act)
            #expect(answer.outputs == [expected])
        }
    }

    @Test
    func whatComesBeforeTheAnswerToACallWaits() throws {
        try withTinyWorker { worker in
            try worker.send(worker.stepMessage(1, isNew: true, data: "sign"))
            let (kind, call) = try worker.receive()
            #expect(kind == .call)
            // Another operation's steps, one of them large, before the answer.
            let long = String(repeating: "x", count: 200_000)
            try worker.send(worker.stepMessage(2, isNew: true, data: "echo", text: "second"))
            try worker.send(worker.stepMessage(3, isNew: true, data: "echo", text: long))
            try call.withUnsafeBytes { try worker.send(worker.services.answer(try CallMessage($0))) }

            #expect(try worker.answer(of: 1).outputs == ["0 32 58"])
            #expect(try worker.answer(of: 2).outputs == ["second"])
            #expect(try worker.answer(of: 3).outputs == [long])
        }
    }

    @Test
    func aPluginThatLogsInALoopIsHeardSoManyTimesAStep() throws {
        try withTinyWorker { worker in
            _ = try worker.step(data: "log")
            #expect(worker.services.lines == [String](repeating: "2 attention where=here", count: 64))
            try worker.send(FreeMessage.message(operations: [1]))
            _ = try worker.step(data: "log")
            #expect(worker.services.lines.count == 128)
        }
    }

    @Test
    func anOperationThatThePluginRefusesLeavesNothing() throws {
        try withTinyWorker { worker in
            let refused = try worker.step(kind: UInt32(GANTRY_OP_PROBE))
            #expect(refused == RunningWorker.Answer(status: Status.limit, wasRefused: true))
            #expect(try worker.step(data: "echo", text: "again").outputs == ["again"])
        }
    }

    @Test
    func aConfigurationThatIsRefusedSaysWhy() throws {
        let library = try CompiledLibrary()
        let worker = try RunningWorker(opening: try library.compile(MischievousPlugin.source))

        let refusal = #expect(throws: RefusedMessage.self) { try worker.serve(configuration: #"{"a": 1}"#) }

        #expect(
            refusal
                == RefusedMessage(
                    .configurationRefused,
                    "this is not wanted",
                    status: Status.invalid,
                    parameter: "key"
                )
        )
        try library.remove()
    }

    @Test
    func aLibraryThatIsNoneIsRefusedAndNotACrash() throws {
        let library = try CompiledLibrary()
        try library.write("plugin.so", Data("no library".utf8))
        let foreign = try library.compile("int other(void) { return 1; }", to: "foreign.so")

        let broken = #expect(throws: RefusedMessage.self) { _ = try RunningWorker(opening: library.path("plugin.so")) }
        let noPlugin = #expect(throws: RefusedMessage.self) { _ = try RunningWorker(opening: foreign) }

        #expect(broken?.reason == .libraryRefused)
        #expect(noPlugin?.reason == .incompatible)
        try library.remove()
    }

    @Test
    func aLibraryIsInspectedWithoutAnInstance() throws {
        let facts = try WorkerProcess.inspect(
            WorkerProcess.besideThisTest("libgantry-plugin-openai.so"),
            executable: RunningWorker.executable,
            memoryLimitInBytes: 256 << 20
        )

        #expect(facts.id == "openai")
        #expect(facts.operations & (1 << UInt64(GANTRY_OP_CHAT)) != 0)
    }

    @Test
    func anExecutableThatIsNotThereIsSaidSo() {
        let error = #expect(throws: WorkerProcessError.self) {
            _ = try WorkerProcess(executable: "/nonexistent/gantry-worker", dataSockets: 1)
        }
        #expect(error?.code == .cannotStart)
        #expect(error?.message.contains("/nonexistent/gantry-worker") == true)
    }

    @Test
    func anExecutableThatIsNoWorkerHasEndedBeforeItAnswers() throws {
        let process = try WorkerProcess(executable: "/bin/true", dataSockets: 1)

        let error = #expect(throws: WorkerProcessError.self) {
            _ = try process.load(LoadMessage(path: "/x", dataSockets: 1, memoryLimitInBytes: 1 << 28))
        }

        #expect(error?.code == .ended)
    }

    @Test
    func aWorkerEndsWhenTheHostClosesASocketOrTheLifeline() throws {
        let bySocket = try WorkerLaunch(executable: RunningWorker.executable, dataSockets: 0)
        let bySocketReaper = try WorkerReaper(bySocket.process, output: bySocket.output)
        close(bySocket.control)
        #expect(bySocketReaper.ending(within: .seconds(20))?.way == .exited(WorkerProtocol.ExitCode.hostIsGone))
        close(bySocket.lifeline)

        let library = try CompiledLibrary()
        let path = try library.compile(MischievousPlugin.source, options: MischievousPlugin.whenOpened("loop"))
        let looping = try WorkerLaunch(executable: RunningWorker.executable, dataSockets: 0)
        let reaper = try WorkerReaper(looping.process, output: looping.output)
        var load = LoadMessage(path: path, dataSockets: 0, memoryLimitInBytes: 256 << 20).message()
        let sent = load.withPacket(0) { packet in Glibc.send(looping.control, packet.baseAddress, packet.count, 0) }
        #expect(sent > 0)
        // It sees nothing of its sockets in there.
        close(looping.control)
        #expect(reaper.ending == nil)
        close(looping.lifeline)
        #expect(reaper.ending(within: .seconds(20))?.way == .signalled(SIGKILL))
        try library.remove()
    }

    @Test(
        arguments: [[0], [9, 3, 0, 0, 0, 0, 0, 0], [1, 3, 0, 0, 2, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0, 0, 0]]
            as [[UInt8]]
    )
    func aWorkerEndsWhenTheHostSendsNonsense(bytes: [UInt8]) throws {
        try withTinyWorker { worker in
            worker.sendRaw(bytes)
            #expect(throws: RunningWorker.Ended.self) { _ = try worker.receive() }
            let ending = try #require(worker.process.waitForEnding())
            #expect(ending.way == .exited(WorkerProtocol.ExitCode.badMessage))
            #expect(ending.printed.contains("what is no message"))
        }
    }

    @Test
    func stepsThatMakeNoSenseEndTheWorker() throws {
        try withTinyWorker { worker in
            #expect(throws: RunningWorker.Ended.self) { _ = try worker.step(7, isNew: false, data: "echo") }
        }
        try withTinyWorker { worker in
            try worker.send(FreeMessage.message(operations: [7]))
            #expect(throws: RunningWorker.Ended.self) { _ = try worker.receive() }
        }
    }

    @Test
    func workersLeaveNoDescriptorsAndNoProcessesBehind() throws {
        let library = try CompiledLibrary()
        let path = try library.compile(MischievousPlugin.source)
        let before = try descriptors()
        for _ in 0..<10 {
            let worker = try RunningWorker(opening: path)
            try worker.serve()
            #expect(try worker.step(data: "echo", text: "x").outputs == ["x"])
            let process = worker.process
            process.kill()
            #expect(process.waitForEnding()?.way == .signalled(SIGKILL))
            // It has been waited for: the number is free.
            #expect(kill(process.identifier, 0) == -1)
        }
        #expect(try descriptors() <= before + 3, "other tests may have a few open")
        try library.remove()
    }

    private func descriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    private func withTinyWorker(_ body: (RunningWorker) throws -> Void) throws {
        let library = try CompiledLibrary()
        let worker = try RunningWorker(opening: try library.compile(MischievousPlugin.source))
        try worker.serve()
        try body(worker)
        try library.remove()
    }
}
