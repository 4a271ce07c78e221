/// What a client may call a file, in a form and in an upload in parts.
package enum ClientFilename {
    /// In bytes.
    package static let maximumLength = 1024

    /// The name without folders: empty if there is none, or if it would mean a folder.
    ///
    /// A client's folders are no business of ours, and must never become a path here or at a provider.
    package static func lastComponent(of path: String) -> String {
        let parts = path.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }
        let last = parts.last.map { String($0) } ?? ""
        return last == "." || last == ".." ? "" : last
    }

    /// Whether a text has characters that no name has.
    package static func hasControls(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
