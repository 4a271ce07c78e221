import HostCore
import HostPlugins

/// A provider's failure with the deployment it happened at.
struct DeploymentFailure: Error {
    let deployment: Deployment
    let failure: OperationFailure
}

extension DeploymentFailure {
    /// What this failure allows.
    func attempt(hasLostFile: Bool) -> AttemptPlan.Failure {
        AttemptPlan.Failure(
            isRetryable: failure.isRetryable,
            mayFallBack: failure.mayFallBack,
            hasLostFile: hasLostFile,
            retryAfter: failure.retryAfter
        )
    }
}

extension OperationFailure {
    /// Whether a provider may have refused a request because it does not have a file of it.
    var mayBeForLackOfFile: Bool {
        switch reason {
        case .notFound: true
        case .invalid: message.lowercased().contains("file") || parameter?.contains("file") ?? false
        default: false
        }
    }
}
