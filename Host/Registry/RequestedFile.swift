import HostCore

/// A file that a client names.
package struct RequestedFile: Hashable, Sendable {
    package let id: FileID
    /// The id as the client wrote it, for messages.
    package let clientID: String

    /// Makes a reference.
    package init(id: FileID, clientID: String) {
        self.id = id
        self.clientID = clientID
    }

    /// The file that a place in a request's body names.
    package init(_ reference: FileReference) { self.init(id: reference.id, clientID: reference.clientID) }
}
