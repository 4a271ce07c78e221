import HostCore
import Synchronization

/// What is known to exist at the targets of one fan-out.
final class ProviderIDs: Sendable {
    private let ids = Mutex<[DeploymentID: String]>([:])

    func note(_ id: String?, at deployment: DeploymentID) { ids.withLock { $0[deployment] = id } }
    func id(at deployment: DeploymentID) -> String? { ids.withLock { $0[deployment] } }
}
