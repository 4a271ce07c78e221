/// First in, first out.
///
/// Unlike a `CircularBuffer` it costs nothing while it is empty, keeps no optionals, and takes over the memory of what is
/// appended to an empty one: an operation makes two queues, and most of them hold one element at a time.
struct Queue<Element> {
    private var incoming: [Element] = []
    /// The first ones, in reverse order.
    private var outgoing: [Element] = []

    var isEmpty: Bool { outgoing.isEmpty && incoming.isEmpty }
    var count: Int { outgoing.count + incoming.count }

    mutating func append(_ element: Element) { incoming.append(element) }

    /// Appends the elements and leaves none; an empty queue gives its memory for theirs.
    mutating func append(taking elements: inout [Element]) {
        if incoming.isEmpty {
            swap(&incoming, &elements)
        } else {
            incoming += elements
            elements.removeAll(keepingCapacity: true)
        }
    }

    mutating func popFirst() -> Element? {
        if outgoing.isEmpty {
            guard !incoming.isEmpty else { return nil }
            swap(&incoming, &outgoing)
            outgoing.reverse()
        }
        return outgoing.removeLast()
    }

    mutating func removeAll() {
        if !incoming.isEmpty { incoming.removeAll(keepingCapacity: true) }
        if !outgoing.isEmpty { outgoing.removeAll(keepingCapacity: true) }
    }

    mutating func removeAll(where isUnwanted: (Element) -> Bool) {
        if !incoming.isEmpty { incoming.removeAll(where: isUnwanted) }
        if !outgoing.isEmpty { outgoing.removeAll(where: isUnwanted) }
    }
}
