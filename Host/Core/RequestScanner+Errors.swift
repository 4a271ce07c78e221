extension RequestScanner.Walk {
    /// Paths in errors and places are cut after so many bytes: a client's names can be of any length.
    private static let maximumPathLength = 256

    /// Where the present value stands, such as `messages.[0].content`; cut after 256 bytes.
    var path: String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.maximumPathLength * 2) { buffer in
            var path = PathText(buffer)
            for level in 0..<depth {
                let step = steps[level]
                // Only the deepest object can have no member yet.
                if case .root = step { break }
                if level > 0 { path.append(UInt8(ascii: ".")) }
                append(step, to: &path)
                if path.count > Self.maximumPathLength { return path.text(upTo: Self.maximumPathLength) + "…" }
            }
            return path.text(upTo: Self.maximumPathLength)
        }
    }

    private func append(_ step: Step, to path: inout PathText) {
        switch step {
        case .root: break
        case .element(let index): path.append(index: index)
        case .member(let start, let end, let hasEscapes):
            let cut = min(start + Self.maximumPathLength, end)
            if hasEscapes {
                let name = JSONString(start: start, end: end, hasEscapes: true)
                scanner.decodedBytes(of: name, limit: Self.maximumPathLength).withUnsafeBytes { path.append($0) }
            } else {
                path.append(scanner.undecodedBytes(of: JSONString(start: start, end: cut, hasEscapes: false)))
            }
        }
    }

    /// What to tell the client about a fault that ended this walk.
    func ruleError(for fault: JSONFault) -> RuleError {
        let place = "at byte \(fault.offset)"
        switch fault.problem {
        case .notAnObject:
            return RuleError(
                .invalidRequest,
                "\(subject.rawValue) must be a JSON object; something else begins \(place)."
            )
        case .byteOrderMark:
            return RuleError(
                .invalidRequest,
                "\(subject.rawValue) does not begin with {; JSON is sent in UTF-8 without a byte order mark."
            )
        case .duplicateMember:
            return RuleError(
                .invalidRequest,
                "\(subject.rawValue) has \(path) twice in one object (\(place)). Send it once.",
                parameter: path
            )
        case .wrongType:
            return RuleError(.invalidRequest, "\(path) must be \(requirement) (\(place)).", parameter: path)
        case .invalidModel:
            return RuleError(
                .invalidRequest,
                "\(path) must have 1 to \(RequestScanner.maximumModelLength) bytes (\(place)).",
                parameter: path
            )
        case .referenceTooLong:
            return RuleError(
                .invalidRequest,
                "\(path) is neither a data: URL nor an http URL, and too long for a file id (\(place)).",
                parameter: path
            )
        case .tooManyReferences:
            return RuleError(
                .tooLarge,
                "The request names more than \(RequestScanner.maximumPlaces) files (\(place)). Send fewer.",
                parameter: path
            )
        case .truncated, .unexpectedByte, .invalidNumber, .invalidEscape, .loneSurrogate, .controlCharacter,
            .invalidUTF8, .tooDeep, .trailingBytes:
            return RuleError(.invalidRequest, "\(subject.rawValue) is not valid JSON: \(fault.problem.words) \(place).")
        }
    }

    // The roles along the way are found again from the names: this is an error's message, not the scan itself.
    private var requirement: String {
        var role = RequestScanner.Role.request
        var way = steps[..<depth]
        if subject == .batchLine {
            if depth == 1 { return path == "body" ? role.requirement : "a string" }
            way = way.dropFirst()
        }
        for step in way {
            switch step {
            case .root: break
            case .element: role = role.elementRole
            case .member(let start, let end, let hasEscapes):
                role = role.role(of: scanner.member(named: JSONString(start: start, end: end, hasEscapes: hasEscapes)))
            }
        }
        return role.requirement
    }
}

extension JSONFault.Problem {
    /// What stands at the offset of a fault of the syntax.
    fileprivate var words: String {
        switch self {
        case .truncated: "it ends too early"
        case .invalidNumber: "a number without digits"
        case .invalidEscape: "an unknown escape"
        case .loneSurrogate: "half of a surrogate pair"
        case .controlCharacter: "an unescaped control character in a string"
        case .invalidUTF8: "a byte sequence that is not UTF-8"
        case .tooDeep: "more than \(RequestScanner.maximumDepth) levels"
        case .trailingBytes: "something after the end of the object"
        default: "an unexpected character"
        }
    }
}
