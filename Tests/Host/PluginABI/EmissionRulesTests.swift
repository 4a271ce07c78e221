import CGantryPlugin
import Testing

@testable import HostPluginABI

struct EmissionRulesTests {
    @Test
    func oneRequestIsOutstandingUntilItIsAborted() {
        let lender = Lender()
        var rules = EmissionRules()
        var (first, second) = (lender.request(1), lender.request(2))
        var (other, abort) = (lender.command(GANTRY_CMD_ABORT), lender.command(GANTRY_CMD_ABORT))
        (other.request, abort.request) = (9, 1)

        #expect(rules.status(of: &first) == Status.ok)
        #expect(rules.status(of: &second) == Status.state)
        #expect(rules.status(of: &other) == Status.ok)
        #expect(rules.status(of: &second) == Status.state)
        #expect(rules.status(of: &abort) == Status.ok)
        #expect(rules.status(of: &second) == Status.ok)
        #expect(rules.outstanding == 2)
    }

    @Test(arguments: [GANTRY_CMD_RESULT, GANTRY_CMD_ERROR])
    func nothingComesAfterTheEnd(end: Int) {
        let lender = Lender()
        var rules = EmissionRules()
        var (last, late) = (lender.command(end), lender.command(GANTRY_CMD_FORGET, data: "a", text: "file"))

        #expect(rules.status(of: &last) == Status.ok)
        rules.beginStep()
        #expect(rules.status(of: &late) == Status.state)
        #expect(rules.hasEnded)
    }

    @Test
    func afterACancellationOnlyTheBooksAreClosed() {
        let lender = Lender()
        var rules = EmissionRules()
        rules.isCancelled = true
        rules.mayPull = true
        for kind in [GANTRY_CMD_PULL, GANTRY_CMD_WAIT, GANTRY_CMD_OUTPUT, GANTRY_CMD_USAGE, GANTRY_CMD_ABORT] {
            var command = lender.command(kind)
            #expect(rules.status(of: &command) == Status.state)
        }
        var request = lender.request()
        #expect(rules.status(of: &request) == Status.state)
        var forget = lender.command(GANTRY_CMD_FORGET, data: "a", text: "file")
        #expect(rules.status(of: &forget) == Status.ok)
        var result = lender.command(GANTRY_CMD_RESULT)
        #expect(rules.status(of: &result) == Status.ok)
    }

    @Test
    func aLineIsPulledOnceAndOnlyWhereThereMayBeOne() {
        let lender = Lender()
        var rules = EmissionRules()
        var pull = lender.command(GANTRY_CMD_PULL)

        #expect(rules.status(of: &pull) == Status.state)
        rules.mayPull = true
        #expect(rules.status(of: &pull) == Status.ok)
        #expect(rules.status(of: &pull) == Status.state)
    }

    @Test
    func aStepHasSoManyBytesAndTheNextOneAgain() {
        let lender = Lender()
        var rules = EmissionRules(maximumBytes: 1000)
        var half = lender.command(GANTRY_CMD_OUTPUT, data: String(repeating: "x", count: 600))

        #expect(rules.status(of: &half) == Status.ok)
        #expect(rules.status(of: &half) == Status.limit)
        rules.beginStep()
        #expect(rules.status(of: &half) == Status.ok)
    }

    @Test
    func aRefusedCommandChangesNothing() {
        let lender = Lender()
        var rules = EmissionRules(maximumBytes: 1000)
        var wrong = lender.request(1)
        wrong.code = 99
        var unknown = lender.command(99)
        var right = lender.request(2)

        #expect(rules.status(of: &wrong) == Status.unsupported)
        #expect(rules.outstanding == nil)
        #expect(rules.status(of: &unknown) == Status.unsupported)
        #expect(rules.status(of: &right) == Status.ok)
    }

    @Test
    func aHeaderOrPieceThatCannotBeReadIsRefusedInEveryCommand() {
        let lender = Lender()
        let unreadable = gantry_slice(ptr: nil, len: 1)
        for kind in [GANTRY_CMD_HTTP, GANTRY_CMD_OUTPUT, GANTRY_CMD_RESULT] {
            var rules = EmissionRules()
            var command = lender.command(kind)
            command.pairs = lender.array([gantry_pair(name: unreadable, value: unreadable, secret: unreadable)])
            command.pair_count = 1
            #expect(rules.status(of: &command) == Status.invalid)
            command.pair_count = 0
            command.segments = lender.array([
                gantry_segment(kind: 0, flags: 0, bytes: unreadable, offset: 0, length: 0)
            ])
            command.segment_count = 1
            #expect(rules.status(of: &command) == Status.invalid)
        }
    }

    @Test
    func anIdThatIsNoTextIsRefused() {
        let lender = Lender()
        var rules = EmissionRules()
        for data in [[], [0xFF], [UInt8](repeating: 0x61, count: 4097)] as [[UInt8]] {
            var command = lender.command(GANTRY_CMD_REMEMBER, text: "file")
            command.data = lender.slice(data)
            #expect(rules.status(of: &command) == Status.invalid)
        }
    }
}
