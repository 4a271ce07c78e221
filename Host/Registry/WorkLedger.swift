import HostCore
import Synchronization

/// Names one run of one host: what it has begun is its own for as long as it says that it lives.
package struct WorkerID: Hashable, Sendable {
    package let text: String

    /// Makes a name that no other run has.
    package init() { text = RecordUUID.random().text }
}

/// What this process is at work on: its own sweeps leave it alone.
final class WorkLedger: Sendable {
    private struct State {
        /// A file may be worked on twice at once, such as by two deletes of it.
        var files: [FileID: Int] = [:]
        var copies: Set<CopyPlace> = []
        var objects: Set<ObjectID> = []
    }

    private let state = Mutex(State())

    var files: Set<FileID> { state.withLock { Set($0.files.keys) } }
    var copies: Set<CopyPlace> { state.withLock(\.copies) }
    var objects: Set<ObjectID> { state.withLock(\.objects) }

    func begin(_ object: ObjectID) { state.withLock { _ = $0.objects.insert(object) } }

    func end(_ object: ObjectID) { state.withLock { _ = $0.objects.remove(object) } }

    func begin(_ file: FileID) { state.withLock { $0.files[file, default: 0] += 1 } }

    func end(_ file: FileID) {
        state.withLock { state in
            guard let count = state.files[file] else { return }
            state.files[file] = count > 1 ? count - 1 : nil
        }
    }

    func begin(_ file: FileID, at deployment: DeploymentID) {
        state.withLock { _ = $0.copies.insert(CopyPlace(file: file, deployment: deployment)) }
    }

    func end(_ file: FileID, at deployment: DeploymentID) {
        state.withLock { _ = $0.copies.remove(CopyPlace(file: file, deployment: deployment)) }
    }
}
