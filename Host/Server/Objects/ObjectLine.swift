import HostCore
import Synchronization

/// The objects that one host has taken: few are asked about at one deployment at the same time, and the others wait.
final class ObjectLine: Sendable {
    private static let mostAtDeployment = 8
    private static let mostWaitingAtDeployment = 64
    private static let mostTaken = 512

    private struct State {
        var running: [DeploymentID: Int] = [:]
        var waiting: [DeploymentID: [ManagedObject]] = [:]
        var taken: Set<ObjectID> = []
    }

    private let state = Mutex(State())

    /// How many more may be taken.
    var room: Int { state.withLock { Self.mostTaken - $0.taken.count } }

    /// Adds an object; one that is here already, or for which there is no room at its deployment, is due again soon.
    ///
    /// - Returns: Whether it is its turn now; else whoever works at the same deployment comes to it.
    func add(_ object: ManagedObject) -> Bool {
        state.withLock { state in
            guard !state.taken.contains(object.id) else { return false }
            guard state.running[object.deployment, default: 0] < Self.mostAtDeployment else {
                // A deployment that does not answer leaves room for the others.
                guard state.waiting[object.deployment, default: []].count < Self.mostWaitingAtDeployment else {
                    return false
                }
                state.taken.insert(object.id)
                state.waiting[object.deployment, default: []].append(object)
                return false
            }
            state.taken.insert(object.id)
            state.running[object.deployment, default: 0] += 1
            return true
        }
    }

    /// Ends the work at an object.
    ///
    /// - Returns: The next one at the same deployment; nil if there is none.
    func next(after object: ManagedObject) -> ManagedObject? {
        state.withLock { state in
            state.taken.remove(object.id)
            if let next = state.waiting[object.deployment]?.first {
                state.waiting[object.deployment]?.removeFirst()
                return next
            }
            let running = state.running[object.deployment, default: 1] - 1
            state.running[object.deployment] = running > 0 ? running : nil
            state.waiting[object.deployment] = nil
            return nil
        }
    }
}
