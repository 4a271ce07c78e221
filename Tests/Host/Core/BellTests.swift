import HostCore
import Testing

@Suite
struct BellTests {
    @Test(.timeLimit(.minutes(1)))
    func ringsThatNobodyHeardAreOne() async {
        let bell = Bell()
        for _ in 0..<100 { bell.ring() }
        let service = Task {
            var heard = 0
            for await _ in bell.rings { heard += 1 }
            return heard
        }
        for _ in 0..<1000 { await Task.yield() }
        service.cancel()

        #expect(await service.value <= 1)
    }

    @Test(.timeLimit(.minutes(1)))
    func ringsAtOnceAndThenRegularlyUntilItIsCancelled() async {
        let bell = Bell()
        let regular = Task { await bell.ring(every: .milliseconds(1)) }
        var heard = bell.rings.makeAsyncIterator()
        for _ in 0..<3 { await heard.next() }
        regular.cancel()
        await regular.value
    }
}
