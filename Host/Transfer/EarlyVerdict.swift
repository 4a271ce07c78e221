import HostCore
import HostPlugins
import Synchronization

/// Tells when the targets that have failed leave a fan-out nothing to succeed with, whatever comes of the others.
///
/// It goes by the rule of the end: see ``FileFanOut/create(_:from:at:expiresIn:requestID:)``.
final class EarlyVerdict: Sendable {
    /// How many targets of each model may still get the file.
    private let open: Mutex<[String: Int]>

    init(_ targets: [Deployment]) {
        open = Mutex(targets.reduce(into: [:]) { $0[$1.modelName, default: 0] += 1 })
    }

    /// Notes what became of a target while the file was coming in.
    ///
    /// - Returns: The failure that no other target can make up for; nil if there is none yet.
    func note(_ outcome: CopyCreation.Outcome) -> FanOutFailure? {
        // One that was cut off gets the file once more when it is whole.
        guard case .failed(let failed) = outcome else { return nil }
        guard failed.failure.isOutage else { return failed }
        let left = open.withLock { open in
            open[failed.deployment.modelName, default: 1] -= 1
            return open[failed.deployment.modelName] ?? 0
        }
        return left == 0 ? failed : nil
    }
}
