import Testing

@testable import HostTransfer

struct CutThroughLimitTests {
    @Test
    func noMoreThanSoManyAreGrantedAtOnce() {
        let limit = CutThroughLimit(2)
        let first = limit.share()
        let second = limit.share()

        #expect(limit.share() == nil)
        withExtendedLifetime((first, second)) { #expect(first != nil && second != nil) }
    }

    @Test
    func aShareThatNobodyHoldsCanBeHadAgainAndOnlyOnce() {
        let limit = CutThroughLimit(1)
        var held = limit.share()
        #expect(held != nil)

        held = nil
        held = limit.share()

        #expect(held != nil)
        #expect(limit.share() == nil)
        withExtendedLifetime(held) {}
    }

    @Test
    func aRefusalTakesNothing() {
        let limit = CutThroughLimit(1)
        var held = limit.share()
        for _ in 0..<10 { #expect(limit.share() == nil) }
        #expect(held != nil)

        held = nil

        #expect(limit.share() != nil)
    }

    @Test
    func manyAtOnceGetNoMoreThanThereAre() async {
        let limit = CutThroughLimit(10)

        let granted = await withTaskGroup(of: CutThroughLimit.Share?.self) { group in
            for _ in 0..<100 { group.addTask { limit.share() } }
            return await group.reduce(into: []) { shares, share in if let share { shares.append(share) } }
        }

        #expect(granted.count == 10)
        #expect(limit.share() == nil)
    }
}
