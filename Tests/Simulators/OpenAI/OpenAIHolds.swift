import Synchronization

/// What a simulated OpenAI works on by itself.
enum OpenAIWork: String, CaseIterable {
    case batch
    case job
    case response
}

/// Which work waits for tests to move it on; the rest goes one step on whenever it is read.
final class OpenAIHolds: Sendable {
    private let kinds = Mutex<Set<OpenAIWork>>([])

    func contains(_ kind: OpenAIWork) -> Bool { kinds.withLock { $0.contains(kind) } }

    func set(_ kind: OpenAIWork, isHeld: Bool) {
        kinds.withLock { kinds in
            if isHeld { kinds.insert(kind) } else { kinds.remove(kind) }
        }
    }

    /// Holds nothing any more.
    func reset() { kinds.withLock { $0 = [] } }

    /// Each kind, and whether it is held.
    var json: JSON {
        kinds.withLock { kinds in
            var object = JSONObject()
            for kind in OpenAIWork.allCases { object[kind.rawValue] = .bool(kinds.contains(kind)) }
            return .object(object)
        }
    }
}
