import CGantryPlugin
import HostPluginABI
import NIOCore
import NIOEmbedded
import Testing

@testable import HostPlugins

struct OperationCommandTests {
    /// Runs a script whose START does something and then ends, and returns the client's log.
    private func log(_ start: @escaping ScriptedPlugin.Script) throws -> [String] {
        let plugin = try ScriptedPlugin { step in
            step.event.kind == GANTRY_EV_START ? start(step) : 0
        }
        var lines: [String] = []
        try withEmbeddedBench(plugin) { bench, _ in
            bench.start()
            lines = bench.log.all
        }
        #expect(plugin.counts == .init(made: 1, freed: 1, targetsFreed: 1, instancesFreed: 1, faults: 0))
        return lines
    }

    @Test
    func commandsAreCarriedOutInTheirOrder() throws {
        let lines = try log { step in
            step.output("1")
            step.remember("file-1")
            step.emit(GANTRY_CMD_USAGE, data: "{}")
            step.output("2")
            step.emit(GANTRY_CMD_FORGET, data: "file-1", text: "file")
            return step.result("done")
        }

        #expect(lines == ["output 1", "remember file-1", "usage", "output 2", "forget file-1", "result done"])
    }

    @Test
    func anOperationThatIsOverTakesNoCommand() throws {
        let lines = try log { step in
            step.result("first")
            #expect(step.output("late") == Status.state)
            #expect(step.result("second") == Status.state)
            #expect(step.remember("late") == Status.state)
            return 0
        }

        #expect(lines == ["result first"])
    }

    @Test
    func aSecondRequestWhileOneIsOutstandingIsRefused() throws {
        let lines = try log { step in
            #expect(step.http("http://10.0.0.1/", request: 1) == Status.ok)
            #expect(step.http("http://10.0.0.1/", request: 2) == Status.state)
            // Dropping another request than the outstanding one makes no room.
            #expect(step.emit(GANTRY_CMD_ABORT, request: 9) == Status.ok)
            #expect(step.http("http://10.0.0.1/", request: 2) == Status.state)
            #expect(step.emit(GANTRY_CMD_ABORT, request: 1) == Status.ok)
            #expect(step.http("http://10.0.0.1/", request: 2) == Status.ok)
            return step.result()
        }

        #expect(lines == ["result {}"])
    }

    @Test
    func whatCannotBeReadIsRefusedAndHarmsNothing() throws {
        let lines = try log { step in
            #expect(step.emitRaw(nil) == Status.invalid)
            for size in [0, 4, 7, 65_537, Int(UInt32.max)] {
                #expect(step.emit(GANTRY_CMD_OUTPUT) { $0.size = UInt32(size) } == Status.invalid)
            }
            for length in [1, 4096, -1, .min, .max] {
                let nothing = gantry_slice(ptr: nil, len: length)
                #expect(step.emit(GANTRY_CMD_OUTPUT) { $0.data = nothing } == Status.invalid)
                #expect(step.emit(GANTRY_CMD_OUTPUT) { $0.text = nothing } == Status.invalid)
                #expect(step.emit(GANTRY_CMD_HTTP) { $0.url = nothing } == Status.invalid)
                #expect(step.emit(GANTRY_CMD_HTTP) { $0.method = nothing } == Status.invalid)
            }
            for count in [1, 257, -1, .min, .max] {
                #expect(step.emit(GANTRY_CMD_HTTP) { $0.pair_count = count } == Status.invalid)
                #expect(step.emit(GANTRY_CMD_HTTP) { $0.segment_count = count } == Status.invalid)
            }
            return step.result()
        }

        #expect(lines == ["result {}"])
    }

    @Test
    func brokenPairsAndSegmentsAreRefused() throws {
        let lines = try log { step in
            let huge = gantry_slice(ptr: ScriptedPlugin.leaked("x").ptr, len: .min)
            let pair = gantry_pair(name: huge, value: gantry_slice(), secret: gantry_slice())
            let withPair = withUnsafePointer(to: pair) { pair in
                step.emit(GANTRY_CMD_HTTP) { ($0.pairs, $0.pair_count) = (pair, 1) }
            }
            #expect(withPair == Status.invalid)
            var unreadable = gantry_segment()
            unreadable.bytes = gantry_slice(ptr: nil, len: 8)
            var unknown = gantry_segment()
            unknown.kind = 77
            for (segment, expected) in [(unreadable, Status.invalid), (unknown, Status.unsupported)] {
                let status = withUnsafePointer(to: segment) { segment in
                    step.emit(GANTRY_CMD_HTTP) { ($0.segments, $0.segment_count) = (segment, 1) }
                }
                #expect(status == expected)
            }
            return step.result()
        }

        #expect(lines == ["result {}"])
    }

    @Test
    func aClaimOfMuchMemoryIsRefusedHoweverOftenItIsMade() throws {
        let lines = try log { step in
            // Four gibibytes a segment are never read: the claim alone is over the limit.
            var segment = gantry_segment()
            segment.bytes = gantry_slice(ptr: ScriptedPlugin.leaked("x").ptr, len: 1 << 32)
            let segments = [gantry_segment](repeating: segment, count: 65_536)
            segments.withUnsafeBufferPointer { segments in
                for _ in 0..<100 {
                    let status = step.emit(GANTRY_CMD_HTTP) {
                        ($0.segments, $0.segment_count) = (segments.baseAddress, segments.count)
                    }
                    #expect(status == Status.limit)
                }
            }
            return step.result()
        }

        #expect(lines == ["result {}"])
    }

    @Test
    func aStepMayEmitOnlySoManyCommands() throws {
        let lines = try log { step in
            for _ in 0..<4095 { #expect(step.emit(GANTRY_CMD_USAGE) == Status.ok) }
            #expect(step.result() == Status.ok)
            return 0
        }
        let overflowing = try log { step in
            for _ in 0..<4096 { step.emit(GANTRY_CMD_USAGE) }
            #expect(step.result() == Status.limit)
            return 0
        }

        #expect(lines.last == "result {}")
        #expect(overflowing.last == "failure pluginFailed")
    }

    @Test(arguments: [0, 2, 3, 15, 1000, Int(Int32.max)])
    func unknownCommandsAreUnsupported(kind: Int) throws {
        let lines = try log { step in
            #expect(step.emit(kind) == Status.unsupported)
            return step.result()
        }

        #expect(lines == ["result {}"])
    }

    @Test
    func membersPastTheSizeOfAnOlderPluginReadAsZero() throws {
        let upToText = try #require(MemoryLayout<gantry_command>.offset(of: \.text))
        let lines = try log { step in
            let lent = Loan()
            for size in 8...upToText {
                let status = step.emit(GANTRY_CMD_OUTPUT) { command in
                    command.size = UInt32(size)
                    command.data = lent.slice("x")
                    command.text = gantry_slice(ptr: nil, len: 5)
                    command.pair_count = 5
                }
                #expect(status == Status.ok)
            }
            return step.result()
        }

        #expect(Set(lines) == ["output ", "output x", "result {}"])
    }

    @Test
    func identifiersToJournalAreTextOfBoundedLength() throws {
        let lines = try log { step in
            #expect(step.remember("") == Status.invalid)
            #expect(step.remember(String(repeating: "x", count: 4097)) == Status.invalid)
            var bytes: [UInt8] = [0xff, 0xfe]
            let status = bytes.withUnsafeMutableBufferPointer { bytes in
                step.emit(GANTRY_CMD_REMEMBER) {
                    $0.data = gantry_slice(ptr: UnsafePointer(bytes.baseAddress), len: bytes.count)
                }
            }
            #expect(status == Status.invalid)
            return step.result()
        }

        #expect(lines == ["result {}"])
    }

    @Test
    func pipingBeforeTheHeadFailsTheOperation() throws {
        let lines = try log { step in
            step.http("http://10.0.0.1/", framing: GANTRY_FRAME_RAW)
            return step.emit(GANTRY_CMD_PIPE, request: 1)
        }
        let withoutRequest = try log { $0.emit(GANTRY_CMD_PIPE, request: 1) }

        #expect(lines.isEmpty == false && lines.last == "failure pluginFailed")
        #expect(withoutRequest == ["failure pluginFailed"])
    }

    @Test
    func aPluginThatWaitsForNothingHasFailed() throws {
        #expect(try log { _ in 0 } == ["failure pluginFailed"])
        #expect(try log { $0.output("x") } == ["output x", "failure pluginFailed"])
    }

    @Test(arguments: [-7, -1, 1, Int(Int32.min)])
    func aStepThatReturnsAnErrorEndsTheOperation(status: Int) throws {
        let lines = try log { step in
            step.output("x")
            step.result()
            return gantry_status(status)
        }

        #expect(lines == ["failure pluginFailed"])
    }

    @Test
    func whatAFailingStepCreatedIsJournaledAllTheSame() throws {
        let lines = try log { step in
            step.remember("a")
            step.output("x")
            step.remember("b")
            return Status.internalError
        }

        #expect(lines == ["remember a", "remember b", "failure pluginFailed"])
    }

    @Test
    func aClassThatIsTheHostsOwnCannotBeClaimed() throws {
        for code in [0, 16, 999, 1000, 1001, -1, Int(Int32.max)] {
            #expect(try log { $0.emit(GANTRY_CMD_ERROR, code: code) } == ["failure internalError"])
        }
        #expect(try log { $0.emit(GANTRY_CMD_ERROR, code: GANTRY_ERR_QUOTA) } == ["failure quota"])
    }

    @Test
    func messagesForClientsAreCutAndRepaired() throws {
        let plugin = try ScriptedPlugin { step in
            step.emit(
                GANTRY_CMD_ERROR,
                code: GANTRY_ERR_INVALID,
                value: .max,
                data: String(repeating: "é", count: 100_000),
                text: String(repeating: "p", count: 10_000)
            )
        }
        try withEmbeddedBench(plugin) { bench, _ in
            var ended: EventLoopFuture<Result<OperationResult, OperationFailure>>?
            bench.start { ended = $0.ended.futureResult }
            guard case .failure(let failure) = try ended?.wait() else {
                Issue.record("the operation did not fail")
                return
            }

            #expect(failure.message == String(repeating: "é", count: 2048))
            #expect(failure.parameter?.count == 512)
            #expect(failure.retryAfter == .seconds(86_400))
        }
    }
}
