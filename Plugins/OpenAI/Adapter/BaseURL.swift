/// The URL that an API's paths are appended to.
enum BaseURL {
    static let rule = "must be an http or https URL with its version, such as https://api.openai.com/v1"

    /// The URL without a slash at its end; nil if it is none.
    ///
    /// - Parameters:
    ///   - text: The URL as it was written.
    ///   - path: The path of one that has none; empty or with a slash at its start.
    /// - Returns: Scheme, authority and path.
    static func checked(_ text: String, defaultPath path: String = "") -> String? {
        let lowercase = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lowercase.hasPrefix($0) }) else { return nil }
        var rest = text.utf8.dropFirst(scheme.utf8.count)
        while rest.last == UInt8(ascii: "/") { rest.removeLast() }
        guard let first = rest.first, first != UInt8(ascii: "/"), first != UInt8(ascii: ":"),
            rest.allSatisfy({ (0x21...0x7E).contains($0) && !"?#@\\".utf8.contains($0) })
        else { return nil }
        let base = scheme + String(decoding: rest, as: UTF8.self)
        return rest.contains(UInt8(ascii: "/")) ? base : base + path
    }
}
