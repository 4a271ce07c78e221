/// What the gateway must know of one line of a batch's input: one request, as places in the line's own bytes.
package struct BatchLine: Sendable {
    /// The longest `custom_id` in bytes, as it stands in the line.
    package static let maximumCustomIDLength = 512

    /// The client's own name of the request, its quotes not counted.
    let customID: JSONString
    /// What the request is for, its quotes not counted.
    let url: JSONString
    /// The value of `body.model`, quotes included.
    package let modelRange: Range<Int>
    /// Every place in the body that names a file, in the order of the text; paths begin with `body`.
    package let files: [FilePlace]

    /// Reads a line: `{"custom_id", "method": "POST", "url", "body": {"model", …}}` in any order, with whatever else.
    ///
    /// The body is read as ``RequestScanner`` reads a request.
    ///
    /// - Parameters:
    ///   - bytes: The line, with or without its end; lent for this call.
    ///   - withPaths: Whether the places have paths, which take longer than all else to make.
    /// - Throws: ``RuleError`` with `.invalidRequest`, or `.tooLarge` for more than 1,000 places; the parameter is the
    ///   path of the place.
    package init(_ bytes: UnsafeRawBufferPointer, withPaths: Bool = true) throws(RuleError) {
        guard let scanner = JSONScanner(bytes) else { throw Self.missing("body") }
        var outcome = Result<BatchLine, RuleError>.failure(Self.missing("body"))
        withUnsafeTemporaryAllocation(of: RequestScanner.Walk.Step.self, capacity: RequestScanner.maximumDepth) {
            var walk = RequestScanner.Walk(scanner, steps: $0, of: .batchLine)
            walk.notesPaths = withPaths
            do throws(JSONFault) {
                let members = try walk.batchLine()
                outcome = Result { () throws(RuleError) in try BatchLine(members, &walk) }
            } catch {
                outcome = .failure(walk.ruleError(for: error))
            }
        }
        self = try outcome.get()
    }

    private init(_ members: Members, _ walk: inout RequestScanner.Walk) throws(RuleError) {
        guard let customID = members.customID else { throw Self.missing("custom_id") }
        guard let method = members.method else { throw Self.missing("method") }
        guard let url = members.url else { throw Self.missing("url") }
        guard members.hasBody else { throw Self.missing("body") }
        guard let modelRange = walk.scan.modelRange else { throw Self.missing("body.model") }
        guard (1...Self.maximumCustomIDLength).contains(customID.end - customID.start) else {
            throw RuleError(
                .invalidRequest,
                "custom_id must have 1 to \(Self.maximumCustomIDLength) bytes.",
                parameter: "custom_id"
            )
        }
        guard walk.scanner.undecodedBytes(of: method).reads("POST") else {
            throw RuleError(.invalidRequest, #"method must be "POST"."#, parameter: "method")
        }
        if let other = walk.scan.others.first {
            // Whose it is could be checked for no deployment before the batch has one.
            let what = other.kind == .previousResponse ? "an earlier response" : "what only a provider keeps"
            throw RuleError(
                .unsupported,
                "A request of a batch cannot name \(what): \(other.text.prefix(100)).",
                parameter: other.path.isEmpty ? "body" : other.path
            )
        }
        self.customID = customID
        self.url = url
        self.modelRange = modelRange
        files = walk.scan.ids
    }

    private static func missing(_ path: String) -> RuleError {
        RuleError(.invalidRequest, "\(path) is missing.", parameter: path)
    }
}

extension BatchLine {
    /// The members of a line that the gateway knows.
    struct Members {
        var customID: JSONString?
        var method: JSONString?
        var url: JSONString?
        var hasBody = false
    }

    fileprivate enum Member: UInt8 {
        case customID, method, url, body

        init?(_ name: UnsafeRawBufferPointer) {
            if name.reads("custom_id") {
                self = .customID
            } else if name.reads("method") {
                self = .method
            } else if name.reads("url") {
                self = .url
            } else if name.reads("body") {
                self = .body
            } else {
                return nil
            }
        }
    }
}

extension RequestScanner.Walk {
    /// Reads one line of a batch's input; what was found in its body is in the scan.
    mutating func batchLine() throws(JSONFault) -> BatchLine.Members {
        guard let first = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
        guard first == UInt8(ascii: "{") else {
            throw JSONFault(first == 0xef ? .byteOrderMark : .notAnObject, at: scanner.position)
        }
        var members = BatchLine.Members()
        var seen: UInt8 = 0
        try eachMember { (walk, name) throws(JSONFault) in
            guard let member = walk.batchLineMember(named: name) else { return try walk.value(.freeForm) }
            let bit: UInt8 = 1 << member.rawValue
            guard seen & bit == 0 else { throw JSONFault(.duplicateMember, at: name.start - 1) }
            seen |= bit
            switch member {
            case .customID: members.customID = try walk.text()
            case .method: members.method = try walk.text()
            case .url: members.url = try walk.text()
            case .body:
                members.hasBody = true
                try walk.value(.request)
            }
        }
        if scanner.nextByte() != nil { throw JSONFault(.trailingBytes, at: scanner.position) }
        return members
    }

    private func batchLineMember(named name: JSONString) -> BatchLine.Member? {
        guard name.hasEscapes else { return BatchLine.Member(scanner.undecodedBytes(of: name)) }
        return scanner.decodedBytes(of: name, limit: 32).withUnsafeBytes { BatchLine.Member($0) }
    }
}
