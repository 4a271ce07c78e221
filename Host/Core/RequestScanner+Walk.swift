extension RequestScanner {
    /// One pass over one request.
    struct Walk {
        /// One level of the way to the present value: a member of an object or an element of an array.
        enum Step: BitwiseCopyable {
            case root
            case member(start: Int, end: Int, hasEscapes: Bool)
            case element(Int)
        }

        var scanner: JSONScanner
        /// What was found so far.
        var scan = RequestScan()
        let steps: UnsafeMutableBufferPointer<Step>
        private(set) var depth = 0
        let subject: Subject
        /// Whether the places have paths, and the model its text: most lines of a batch need neither.
        var notesPaths = true

        init(_ scanner: JSONScanner, steps: UnsafeMutableBufferPointer<Step>, of subject: Subject = .requestBody) {
            self.scanner = scanner
            self.steps = steps
            self.subject = subject
        }

        /// What is read.
        enum Subject: String {
            case requestBody = "The request body"
            /// Of a batch's input; its `body` is a request.
            case batchLine = "The line"
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

        mutating func value(_ role: Role) throws(JSONFault) {
            guard let first = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
            let start = scanner.position
            switch first {
            case UInt8(ascii: "\""):
                try check(role, .string)
                try string(role)
            case UInt8(ascii: "{"):
                try check(role, .object)
                switch role {
                case .inputItem: try inputItem()
                case .conversation: try conversation()
                default: try object(role)
                }
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
            var seen: UInt64 = 0
            try eachMember { (walk, name) throws(JSONFault) in
                try walk.value(try walk.role(of: name, in: role, &seen))
            }
        }

        /// Reads an object whose brace stands at the position; the body reads the value of each member.
        @inline(__always)
        mutating func eachMember(
            _ readValue: (inout Self, JSONString) throws(JSONFault) -> Void
        ) throws(JSONFault) {
            try descend()
            scanner.position += 1
            if scanner.nextByte() == UInt8(ascii: "}") {
                scanner.position += 1
            } else {
                while true {
                    let name = try memberName()
                    try scanner.expect(UInt8(ascii: ":"))
                    try readValue(&self, name)
                    if try isLast(closing: UInt8(ascii: "}")) { break }
                }
            }
            depth -= 1
        }

        @inline(__always)
        private mutating func memberName() throws(JSONFault) -> JSONString {
            let name = try quotedString()
            steps[depth - 1] = .member(start: name.start, end: name.end, hasEscapes: name.hasEscapes)
            return name
        }

        @inline(__always)
        private mutating func quotedString() throws(JSONFault) -> JSONString {
            guard let quote = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
            guard quote == UInt8(ascii: "\"") else { throw JSONFault(.unexpectedByte, at: scanner.position) }
            return try scanner.string()
        }

        /// Reads a value that has to be a string.
        mutating func text() throws(JSONFault) -> JSONString {
            guard let first = scanner.nextByte() else { throw JSONFault(.truncated, at: scanner.count) }
            guard first == UInt8(ascii: "\"") else { throw JSONFault(.wrongType, at: scanner.position) }
            return try scanner.string()
        }

        // The role of a member's value in an object that has a role.
        @inline(__always)
        func role(of name: JSONString, in role: Role, _ seen: inout UInt64) throws(JSONFault) -> Role {
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
        case .previousResponse:
            try note(.previousResponse, string)
        case .conversation:
            try note(.conversation, string)
        case .container:
            try note(.container, string)
        case .vectorStores:
            try note(.vectorStore, string)
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
        if notesPaths || string.hasEscapes || length > RequestScanner.maximumModelLength {
            let model = scanner.text(of: string)
            guard model.utf8.count <= RequestScanner.maximumModelLength else {
                throw JSONFault(.invalidModel, at: string.start - 1)
            }
            scan.model = model
        }
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
        scan.ids.append(FilePlace(range: range, text: scanner.text(of: string), path: notesPaths ? path : ""))
    }
}
