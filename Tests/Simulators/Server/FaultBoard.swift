import HTTPTypes
import Synchronization

/// The faults that are waiting for their requests, oldest first.
final class FaultBoard: Sendable {
    private struct Entry {
        let id: Int
        var fault: Fault
    }

    private struct State {
        var nextID = 1
        var entries: [Entry] = []
    }

    private let state = Mutex(State())

    /// Puts a fault up.
    ///
    /// - Returns: Its identifier.
    func add(_ fault: Fault) -> String {
        state.withLock { state in
            let id = state.nextID
            state.nextID += 1
            state.entries.append(Entry(id: id, fault: fault))
            return "fault-\(id)"
        }
    }

    /// Takes all faults down.
    func removeAll() {
        state.withLock { $0.entries = [] }
    }

    /// The first fault that applies to a request, counted as used; each earlier one that skips it is counted too.
    func next(for request: Incoming, account: String?) -> Fault? {
        let (provider, method, target) = (request.provider, request.method.rawValue, request.target)
        return state.withLock { state in
            for index in state.entries.indices {
                let fault = state.entries[index].fault
                guard fault.filter.matches(provider: provider, method: method, target: target, account: account)
                else { continue }
                if fault.skip > 0 {
                    state.entries[index].fault.skip -= 1
                    continue
                }
                if fault.times == 1 {
                    state.entries.remove(at: index)
                } else if fault.times > 1 {
                    state.entries[index].fault.times -= 1
                }
                return fault
            }
            return nil
        }
    }
}

extension Fault.Filter {
    fileprivate func matches(provider: Provider, method: String, target: String, account: String?) -> Bool {
        (self.provider == nil || self.provider == provider)
            && (self.method == nil || self.method?.uppercased() == method)
            && target.hasPrefix(pathPrefix ?? "")
            && (pathContains == nil || pathContains.map(target.contains) == true)
            && (self.account == nil || self.account == account)
    }
}
