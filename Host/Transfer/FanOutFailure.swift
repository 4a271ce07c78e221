import HostCore
import HostPlugins

/// The provider that made a fan-out fail, and why.
package struct FanOutFailure: Error, CustomStringConvertible {
    package let deployment: Deployment
    package let failure: OperationFailure

    package var description: String { "\(deployment.id): \(failure)" }
}
