import Testing

@testable import HostPlugins

struct QueueTests {
    @Test
    func whatComesFirstGoesFirst() {
        var queue = Queue<Int>()
        var (next, expected) = (0, 0)
        for round in 1...50 {
            for _ in 0..<round % 7 {
                queue.append(next)
                next += 1
            }
            var batch = Array(next..<next + round % 4)
            next += batch.count
            queue.append(taking: &batch)
            #expect(batch.isEmpty)
            for _ in 0..<round % 5 where !queue.isEmpty {
                #expect(queue.popFirst() == expected)
                expected += 1
            }
            #expect(queue.count == next - expected)
        }
        while let element = queue.popFirst() {
            #expect(element == expected)
            expected += 1
        }
        #expect(expected == next)
        #expect(queue.isEmpty)
    }

    @Test
    func theRestKeepsItsOrderWhenSomeAreRemoved() {
        var queue = Queue<Int>()
        for number in 0..<6 { queue.append(number) }
        #expect(queue.popFirst() == 0)
        for number in 6..<10 { queue.append(number) }

        queue.removeAll { $0.isMultiple(of: 3) }

        #expect(queue.count == 6)
        #expect((0..<7).map { _ in queue.popFirst() } == [1, 2, 4, 5, 7, 8, nil])
    }

    @Test
    func nothingIsLeftWhenAllAreRemoved() {
        var queue = Queue<Int>()
        for number in 0..<3 { queue.append(number) }
        _ = queue.popFirst()
        queue.append(3)

        queue.removeAll()

        #expect(queue.isEmpty)
        #expect(queue.popFirst() == nil)
    }
}
