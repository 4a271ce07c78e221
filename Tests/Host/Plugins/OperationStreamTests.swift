import CGantryPlugin
import HostCore
import NIOCore
import Synchronization
import Testing

@testable import HostPlugins

@Suite(.timeLimit(.minutes(1)))
struct OperationStreamTests {
    private let steps = Counter()

    private final class Counter: Sendable {
        private let count = Mutex(0)

        var value: Int { count.withLock { $0 } }

        func add() { count.withLock { $0 += 1 } }
    }

    /// A plugin that gives one piece per step for ever, or until `limit`.
    private func talker(limit: Int = .max) throws -> ScriptedPlugin {
        let steps = steps
        return try ScriptedPlugin { step in
            guard step.event.kind != GANTRY_EV_CANCEL else { return 0 }
            steps.add()
            guard steps.value <= limit else { return step.result() }
            step.output("\(steps.value)")
            return step.emit(GANTRY_CMD_WAIT, value: 0)
        }
    }

    private func stream(_ bench: PluginBench) -> OperationStream {
        OperationStream(
            OperationRequest(.chat, requestID: "r1", input: ByteBuffer(string: "{}")),
            target: bench.target,
            loop: bench.loop,
            environment: bench.environment
        )
    }

    // A task that hopped to the loop and back as often would wait for all the tests beside it.
    private static func turn(_ loop: any EventLoop, _ times: Int, then promise: EventLoopPromise<Void>) {
        guard times > 0 else { return promise.succeed() }
        loop.execute { turn(loop, times - 1, then: promise) }
    }

    private func settle(_ bench: PluginBench) async throws {
        let settled = bench.loop.makePromise(of: Void.self)
        Self.turn(bench.loop, 2000, then: settled)
        try await settled.futureResult.get()
    }

    @Test
    func allPiecesArriveInOrder() async throws {
        let plugin = try talker(limit: 500)
        try await withBench(plugin) { bench in
            var pieces: [String] = []
            for try await part in stream(bench) {
                switch part {
                case .event(let payload, _): pieces.append(String(buffer: payload))
                case .result(let result): pieces.append("result \(String(buffer: result.data))")
                default: pieces.append("other")
                }
            }

            #expect(pieces == (1...500).map { "\($0)" } + ["result {}"])
            #expect(await eventually { plugin.counts.freed == 1 })
        }
        #expect(await eventually { plugin.counts.instancesFreed == 1 })
    }

    @Test
    func aReaderWhoDoesNotReadStopsThePlugin() async throws {
        let plugin = try talker()
        try await withBench(plugin) { bench in
            do {
                let stream = stream(bench)
                var iterator = stream.makeAsyncIterator()
                _ = try await iterator.next()
                try await settle(bench)
                let reached = steps.value
                try await settle(bench)

                #expect(reached <= 64)
                #expect(steps.value == reached)
                for _ in 0..<100 { _ = try await iterator.next() }
                #expect(steps.value > 100)
            }
            #expect(await eventually { plugin.counts.freed == 1 })
        }
        #expect(await eventually { plugin.counts.instancesFreed == 1 })
    }

    @Test
    func aStreamThatNobodyReadsIsCancelled() async throws {
        let plugin = try talker()
        try await withBench(plugin) { bench in
            _ = stream(bench)

            #expect(await eventually { plugin.counts.freed == plugin.counts.made })
            try await settle(bench)
            #expect(plugin.counts.freed == plugin.counts.made)
        }
        #expect(await eventually { plugin.counts.instancesFreed == 1 })
    }

    @Test
    func cancellingTellsTheReader() async throws {
        let plugin = try talker()
        try await withBench(plugin) { bench in
            let stream = stream(bench)
            var iterator = stream.makeAsyncIterator()
            _ = try await iterator.next()
            stream.cancel()
            let failure = await #expect(throws: OperationFailure.self) {
                while try await iterator.next() != nil {}
            }

            #expect(failure?.reason == .cancelled)
            #expect(await eventually { plugin.counts.freed == 1 })
        }
        #expect(await eventually { plugin.counts.instancesFreed == 1 })
    }

    @Test
    func aClientThatDoesNotReadStopsTheProvider() async throws {
        let size = 32
        let written = Counter()
        let script: AnswerServer.Script = { _, _, channel in
            let piece = ByteBuffer(repeating: 0x61, count: 1 << 20)
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(size << 20)\r\n\r\n"
            channel.writeAndFlush(ByteBuffer(string: head), promise: nil)
            @Sendable
            func sendNext() {
                guard written.value < size else { return }
                channel.writeAndFlush(piece).whenSuccess {
                    written.add()
                    sendNext()
                }
            }
            sendNext()
        }
        try await withServer(script) { port in
            let plugin = try ScriptedPlugin { step in
                switch step.event.kind {
                case GANTRY_EV_START: step.http("http://127.0.0.1:\(port)/", framing: GANTRY_FRAME_RAW)
                case GANTRY_EV_HEAD: step.emit(GANTRY_CMD_PIPE, request: 1)
                case GANTRY_EV_END: step.result()
                default: break
                }
                return 0
            }
            try await withBench(plugin) { bench in
                let stream = stream(bench)
                var iterator = stream.makeAsyncIterator()
                _ = try await iterator.next()
                try await settle(bench)

                #expect(written.value < size / 2)
                var received = 0
                while let part = try await iterator.next() {
                    if case .bytes(let bytes) = part { received += bytes.readableBytes }
                }
                #expect(received == size << 20)
            }
            #expect(await eventually { plugin.counts.instancesFreed == 1 })
        }
    }
}
