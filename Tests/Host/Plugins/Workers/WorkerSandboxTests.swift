import CGantryPlugin
import CSandbox
import Glibc
import HostPluginABI
import Testing

@testable import HostPlugins

/// What a plugin may do in a worker, tried against the kernel.
@Suite(.serialized)
struct WorkerSandboxTests {
    /// Acts that are refused in both stages.
    private static let forbidden = [
        "write file", "open device", "unlink", "mkdir", "socket", "unix socket", "connect", "fork", "exec", "thread",
        "ptrace", "kill", "signal handler", "prctl", "sleep",
    ]

    @Test(arguments: forbidden)
    func whatIsForbiddenWhileServingKillsTheWorker(act: String) throws {
        try expectEnd(whileServing: act, SIGSYS)
    }

    @Test(arguments: ["read passwd", "read memory", "read environment", "executable memory", "make executable"])
    func afterTheSealNoFileIsReadAndNoMemoryMadeExecutable(act: String) throws {
        try expectEnd(whileServing: act, SIGSYS)
    }

    @Test(arguments: forbidden)
    func whatIsForbiddenKillsTheWorkerAlreadyWhenTheLibraryIsOpened(act: String) throws {
        let library = try CompiledLibrary()
        let path = try library.compile(MischievousPlugin.source, options: MischievousPlugin.whenOpened(act))

        let error = #expect(throws: WorkerProcessError.self) { _ = try RunningWorker(opening: path) }

        #expect(error?.code == .ended)
        #expect(
            error?.message.contains("SIGSYS: it made a system call that is not allowed") == true,
            "\(act): \(error)"
        )
        try library.remove()
    }

    @Test(
        .enabled(if: gantry_landlock_abi() > 0, "this kernel has no Landlock"),
        arguments: ["read passwd", "read memory", "read environment"]
    )
    func whileTheLibraryIsOpenedItReadsNothingButLibraries(act: String) throws {
        let library = try CompiledLibrary()
        let path = try library.compile(MischievousPlugin.source, options: MischievousPlugin.whenOpened(act))

        let worker = try RunningWorker(opening: path)

        #expect(worker.facts.version == "Permission denied")
        try library.remove()
    }

    @Test(arguments: [("null", SIGSEGV), ("trap", SIGILL), ("abort", SIGABRT), ("assert", SIGABRT)])
    func aCrashIsReportedAsWhatItIs(act: String, signal: Int32) throws {
        try expectEnd(whileServing: act, signal)
    }

    @Test
    func whatAPluginSaysBeforeItGivesUpIsKept() throws {
        let ending = try end(whileServing: "assert")

        #expect(ending.printed.contains("two is three"))
        #expect(!ending.printed.contains("\n"))
    }

    @Test
    func aPluginThatExitsIsReportedWithItsStatus() throws {
        #expect(try end(whileServing: "exit").way == .exited(3))
    }

    @Test(arguments: [
        ("time", "0 UTC 1"), ("sort", "1"), ("print", "printed"), ("memory", "Cannot allocate memory"),
        ("descriptors", "0 1 2 3 4 "), ("host", "0 1 1"), ("states", "0 -3 -3"),
    ])
    func ordinaryWorkGoesOn(act: String, expected: String) throws {
        let library = try CompiledLibrary()
        let worker = try RunningWorker(opening: try library.compile(MischievousPlugin.source))
        try worker.serve()

        let answer = try worker.step(data: act)

        #expect(answer.status == Status.ok)
        #expect(answer.outputs == [expected])
        try library.remove()
    }

    @Test
    func theWorkerHasNothingOfTheHostsEnvironment() throws {
        let library = try CompiledLibrary()
        let worker = try RunningWorker(opening: try library.compile(MischievousPlugin.source))
        try worker.serve()

        let answer = try worker.step(data: "environment")

        #expect(answer.outputs == ["SWIFT_BACKTRACE=enable=no TZ=UTC0 "])
        try library.remove()
    }

    @Test
    func theSealSaysWhatIsInForce() throws {
        let library = try CompiledLibrary()
        let worker = try RunningWorker(opening: try library.compile(MischievousPlugin.source))

        let sealed = try worker.serve()

        #expect(sealed.landlockABI == UInt32(gantry_landlock_abi()))
        #expect(sealed.memoryLimitInBytes == 256 << 20)
        #expect(sealed.allowedCalls == gantry_sandbox_allowed_calls(GANTRY_SANDBOX_SERVING))
        let inherited = gantry_sandbox_own_filters()
        #expect(gantry_sandbox_is_sealed(worker.process.identifier, inherited + 2) == 1)
        #expect(gantry_sandbox_is_sealed(worker.process.identifier, inherited + 3) == 0)
        try library.remove()
    }

    private func expectEnd(whileServing act: String, _ signal: Int32) throws {
        #expect(try end(whileServing: act).way == .signalled(signal), "\(act)")
    }

    private func end(whileServing act: String) throws -> WorkerEnding {
        let library = try CompiledLibrary()
        let worker = try RunningWorker(opening: try library.compile(MischievousPlugin.source))
        try worker.serve()
        #expect(throws: RunningWorker.Ended.self, "\(act)") { _ = try worker.step(data: act) }
        try library.remove()
        return try #require(worker.process.waitForEnding())
    }
}
