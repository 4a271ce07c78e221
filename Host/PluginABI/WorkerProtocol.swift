/// The messages between a host and its workers.
package enum WorkerProtocol {
    /// Grows when a message changes; host and worker come from one build and have to agree.
    package static let version: UInt32 = 1
}
