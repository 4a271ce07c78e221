extension RequestScanner {
    /// Tells a reference to a file from inline content and from a URL of somebody else's, by how the value begins.
    enum Reference {
        /// How many decoded bytes of a value are enough to judge it.
        static let prefixLength = 512
        /// The longest reference, as it stands in the text; LiteLLM's own ids stay far below.
        static let maximumLength = 8192

        /// Whether a value names a file where a URL may stand: everything but `data:` and foreign http(s) URLs does.
        static func isLinkToFile(_ value: UnsafeRawBufferPointer) -> Bool {
            if value.startsIgnoringCase(with: "data:") { return false }
            guard let isProviders = pointsToProvider(value) else { return true }
            return isProviders
        }

        /// Whether a value names a file where inline content may stand: only what no content would begin with does.
        static func isContentNamingFile(_ value: UnsafeRawBufferPointer) -> Bool {
            value.starts(with: "file-") || value.starts(with: "file_") || value.starts(with: "files/")
                || value.startsIgnoringCase(with: "gs://") || value.startsIgnoringCase(with: "s3://")
                // The base 64 of "litellm_proxy" and either of the characters that follow it.
                || value.starts(with: "bGl0ZWxsbV9wcm94eT")
                || pointsToProvider(value) == true
        }

        // Whether an http(s) URL leads to a host at which providers keep their clients' files; nil if it is no such URL.
        // An authority that does not end within the prefix is nobody's honest image.
        private static func pointsToProvider(_ value: UnsafeRawBufferPointer) -> Bool? {
            let scheme: Int
            if value.startsIgnoringCase(with: "https://") {
                scheme = 8
            } else if value.startsIgnoringCase(with: "http://") {
                scheme = 7
            } else {
                return nil
            }
            let rest = value.dropFirst(scheme)
            let ends: (UInt8) -> Bool = {
                $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#")
                    || $0 == UInt8(ascii: "\\")
            }
            let end = rest.firstIndex(where: ends) ?? rest.endIndex
            if end >= prefixLength { return true }
            var host = rest[..<end]
            if let userEnd = host.lastIndex(of: UInt8(ascii: "@")) { host = host[(userEnd + 1)...] }
            if let port = host.firstIndex(of: UInt8(ascii: ":")) { host = host[..<port] }
            if host.last == UInt8(ascii: ".") { host = host.dropLast() }
            let bytes = UnsafeRawBufferPointer(rebasing: host)
            return bytes.isWord("generativelanguage.googleapis.com") || bytes.isWord("api.openai.com")
        }
    }
}
