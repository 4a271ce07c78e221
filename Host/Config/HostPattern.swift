/// A place that a plugin may send requests to: a scheme, a host or a family of hosts, and a port.
///
/// The host is exact, or its first label begins with one `*` that stands for one or more of `a-z`, `0-9` and `-`:
/// `*.example.com`, `*-aiplatform.googleapis.com`. At least two labels must follow that first one.
package struct HostPattern: Hashable, Sendable, CustomStringConvertible {
    /// `https` or `http`.
    package let scheme: String
    /// In lower case.
    package let host: String
    package let port: Int

    /// Reads `HOST`, `HOST:PORT`, `SCHEME://HOST` or `SCHEME://HOST:PORT`.
    ///
    /// Without a scheme it is `https`, without a port the scheme's own.
    ///
    /// - Throws: ``ConfigurationError`` with `.badValue` and no location.
    package init(parsing text: String) throws(ConfigurationError) {
        var rest = Substring(text)
        var scheme = "https"
        if let separator = text.firstRange(of: "://") {
            scheme = text[..<separator.lowerBound].loweringASCII
            rest = text[separator.upperBound...]
        }
        guard let defaultPort = Self.defaultPorts[scheme] else { throw Self.refusal(text, "its scheme is unknown") }
        guard !rest.utf8.contains(where: Self.endsTheHost) else {
            throw Self.refusal(text, "a path, a query or a user name is not part of a host")
        }
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.first else { throw Self.refusal(text, "it has more than one colon") }
        if parts.count == 2 {
            guard let port = Self.port(parts[1]) else { throw Self.refusal(text, "its port is not 1 to 65535") }
            self.port = port
        } else {
            port = defaultPort
        }
        host = name.loweringASCII
        self.scheme = scheme
        if let problem = Self.problem(withHost: host) { throw Self.refusal(text, problem) }
    }

    /// Whether a request may go there.
    ///
    /// - Parameters:
    ///   - scheme: In any case.
    ///   - host: In any case; an address in brackets, a trailing dot or anything but a plain name never matches.
    ///   - port: The port that will be connected to; nil for the scheme's own.
    /// - Returns: Whether all three fit.
    package func matches(scheme: String, host: String, port: Int?) -> Bool {
        let scheme = scheme.loweringASCII
        guard scheme == self.scheme, (port ?? Self.defaultPorts[scheme]) == self.port else { return false }
        let name = host.loweringASCII
        guard Self.isHostName(name) else { return false }
        guard self.host.hasPrefix("*") else { return name == self.host }
        let suffix = self.host.utf8.dropFirst()
        guard name.utf8.count > suffix.count, name.utf8.suffix(suffix.count).elementsEqual(suffix) else { return false }
        return name.utf8.dropLast(suffix.count).allSatisfy(Self.isLetterDigitOrHyphen)
    }

    /// The shortest text that reads as this pattern and shows its scheme.
    package var description: String {
        port == Self.defaultPorts[scheme] ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    private static let defaultPorts = ["https": 443, "http": 80]

    private static func refusal(_ text: String, _ reason: String) -> ConfigurationError {
        ConfigurationError(
            .badValue,
            at: nil,
            "\"\(text.onOneLine())\" is not a host: \(reason). Write a name such as api.example.com, "
                + "https://api.example.com:8443 or *.example.com."
        )
    }

    private static func port(_ digits: Substring) -> Int? {
        guard (1...5).contains(digits.utf8.count), digits.first != "0" else { return nil }
        guard digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return Int(digits).flatMap { $0 <= 65535 ? $0 : nil }
    }

    private static func problem(withHost host: String) -> String? {
        guard host.hasPrefix("*") else {
            return isHostName(host) ? nil : "it is not a DNS name or an IPv4 address"
        }
        // "a" stands for what the star matches; the rest must then be a name.
        guard isHostName("a" + host.dropFirst()) else { return "only its first label may begin with one *" }
        let labels = host.split(separator: ".")
        guard labels.count >= 3 else { return "two labels at least must follow the one with the *" }
        let isNumber = labels.last?.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ?? false
        return isNumber ? "a * does not stand for a part of an address" : nil
    }

    private static func isHostName(_ name: String) -> Bool {
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isLetterDigitOrHyphen($0) || $0 == UInt8(ascii: "_") }
        }
    }

    private static func isLetterDigitOrHyphen(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func endsTheHost(_ byte: UInt8) -> Bool { "/\\?#@".utf8.contains(byte) }
}

extension StringProtocol {
    /// This text with `A` to `Z` in lower case and nothing else changed: Unicode has other letters that lower to ASCII.
    fileprivate var loweringASCII: String {
        String(
            decoding: utf8.map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 },
            as: UTF8.self
        )
    }
}
