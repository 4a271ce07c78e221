extension RequestScanner {
    /// One pass over one request.
    struct Walk {
        /// One level of the way to the present value: a member of an object or an element of an array.
        enum Step: BitwiseCopyable {
            case root
            case member(start: Int, end: Int, hasEscapes: Bool)
            case element(Int)
        }

        private(set) var scanner: JSONScanner
        /// What was found so far.
        var scan = RequestScan()
        let steps: UnsafeMutableBufferPointer<Step>
        private(set) var depth = 0

        init(_ scanner: JSONScanner, steps: UnsafeMutableBufferPointer<Step>) {
            self.scanner = scanner
            self.steps = steps
        }

        /// Reads the whole text.
        mutating func request() throws(JSONFault) {
            guard let first = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
            guard first == UInt8(ascii: "{") else {
                throw JSONFault(first == 0xef ? .byteOrderMark : .notAnObject, at: scanner.position)
            }
            scan.objectStart = scanner.position
            try object(.request)
            if scanner.nextByte() != nil { throw JSONFault(.trailingBytes, at: scanner.position) }
        }

        private mutating func value(_ role: Role) throws(JSONFault) {
            guard let first = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
            let start = scanner.position
            switch first {
            case UInt8(ascii: "\""):
                try check(role, .string)
                try string(role)
            case UInt8(ascii: "{"):
                try check(role, .object)
                try object(role)
            case UInt8(ascii: "["):
                try check(role, .array)
                try array(role)
            case UInt8(ascii: "t"):
                try scanner.literal("true")
                try bool(true, role, at: start)
            case UInt8(ascii: "f"):
                try scanner.literal("false")
                try bool(false, role, at: start)
            case UInt8(ascii: "n"):
                try scanner.literal("null")
                try check(role, .null, at: start)
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                try scanner.number()
                try check(role, .number, at: start)
            default:
                throw JSONFault(.unexpectedByte, at: start)
            }
        }

        @inline(__always)
        private func check(_ role: Role, _ kind: Kind, at offset: Int? = nil) throws(JSONFault) {
            guard role.allows(kind) else { throw JSONFault(.wrongType, at: offset ?? scanner.position) }
        }

        private mutating func bool(_ value: Bool, _ role: Role, at offset: Int) throws(JSONFault) {
            try check(role, .bool, at: offset)
            if role == .stream { scan.stream = value } else if role == .includeUsage { scan.includeUsage = value }
        }

        private mutating func object(_ role: Role) throws(JSONFault) {
            try descend()
            scanner.position += 1
            var seen: UInt64 = 0
            if scanner.nextByte() == UInt8(ascii: "}") {
                scanner.position += 1
            } else {
                while true {
                    let memberRole = try memberName(in: role, &seen)
                    try scanner.expect(UInt8(ascii: ":"))
                    try value(memberRole)
                    if try isLast(closing: UInt8(ascii: "}")) { break }
                }
            }
            depth -= 1
        }

        // Reads a member's name; the role is that of the value that follows.
        @inline(__always)
        private mutating func memberName(in role: Role, _ seen: inout UInt64) throws(JSONFault) -> Role {
            guard let quote = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
            guard quote == UInt8(ascii: "\"") else { throw JSONFault(.unexpectedByte, at: scanner.position) }
            let name = try scanner.string()
            steps[depth - 1] = .member(start: name.start, end: name.end, hasEscapes: name.hasEscapes)
            guard role != .freeForm else { return .freeForm }
            guard let member = scanner.member(named: name) else { return .plain }
            let bit: UInt64 = 1 << UInt64(member.rawValue)
            guard seen & bit == 0 else { throw JSONFault(.duplicateMember, at: name.start - 1) }
            seen |= bit
            return role.role(of: member)
        }

        private mutating func array(_ role: Role) throws(JSONFault) {
            try descend()
            scanner.position += 1
            if scanner.nextByte() == UInt8(ascii: "]") {
                scanner.position += 1
            } else {
                let elementRole = role.elementRole
                var index = 0
                while true {
                    steps[depth - 1] = .element(index)
                    try value(elementRole)
                    if try isLast(closing: UInt8(ascii: "]")) { break }
                    index += 1
                }
            }
            depth -= 1
        }

        @inline(__always)
        private mutating func descend() throws(JSONFault) {
            guard depth < RequestScanner.maximumDepth else { throw JSONFault(.tooDeep, at: scanner.position) }
            steps[depth] = .root
            depth += 1
        }

        // Whether the closing byte follows, and not a comma.
        @inline(__always)
        private mutating func isLast(closing: UInt8) throws(JSONFault) -> Bool {
            guard let byte = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
            guard byte == closing || byte == UInt8(ascii: ",") else {
                throw JSONFault(.unexpectedByte, at: scanner.position)
            }
            scanner.position += 1
            return byte == closing
        }
    }
}

extension RequestScanner.Walk {
    private mutating func string(_ role: RequestScanner.Role) throws(JSONFault) {
        let string = try scanner.string()
        switch role {
        case .model:
            try note(model: string)
        case .fileID, .fileIDsElement:
            try note(reference: string)
        case .link:
            if judge(string, RequestScanner.Reference.isLinkToFile) { try note(reference: string) }
        case .content:
            if judge(string, RequestScanner.Reference.isContentNamingFile) { try note(reference: string) }
        default:
            break
        }
    }

    private func judge(_ string: JSONString, _ isReference: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        guard string.hasEscapes else { return isReference(scanner.undecodedBytes(of: string)) }
        let prefix = scanner.decodedBytes(of: string, limit: RequestScanner.Reference.prefixLength)
        return prefix.withUnsafeBytes(isReference)
    }

    private mutating func note(model string: JSONString) throws(JSONFault) {
        let length = string.end - string.start
        // An escape takes at most six bytes for one.
        guard length > 0, length <= RequestScanner.maximumModelLength * 6 else {
            throw JSONFault(.invalidModel, at: string.start - 1)
        }
        let model = scanner.text(of: string)
        guard model.utf8.count <= RequestScanner.maximumModelLength else {
            throw JSONFault(.invalidModel, at: string.start - 1)
        }
        scan.model = model
        scan.modelRange = string.start - 1..<string.end + 1
    }

    private mutating func note(reference string: JSONString) throws(JSONFault) {
        guard scan.ids.count < RequestScanner.maximumPlaces else {
            throw JSONFault(.tooManyReferences, at: string.start - 1)
        }
        guard string.end - string.start <= RequestScanner.Reference.maximumLength else {
            throw JSONFault(.referenceTooLong, at: string.start - 1)
        }
        // Most requests that name a file name several; the first growth is for them.
        if scan.ids.isEmpty { scan.ids.reserveCapacity(8) }
        let range = string.start - 1..<string.end + 1
        scan.ids.append(FilePlace(range: range, text: scanner.text(of: string), path: path))
    }
}
