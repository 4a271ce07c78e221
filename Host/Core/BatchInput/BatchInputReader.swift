/// Reads a batch's input as it comes, and refuses what no provider should be given.
///
/// Blank lines are no requests and no faults. Memory grows with the number of requests by a few bytes each, never with
/// their size.
package struct BatchInputReader: Sendable {
    /// What an input may have at most.
    package struct Limits: Sendable {
        /// Bytes of one line.
        package var lineBytes = 16 * 1024 * 1024
        package var requests = 500_000
        /// Different files that the requests name together.
        package var files = 10_000

        /// The limits of a host that says nothing else.
        package init() {}
    }

    private var splitter: LineSplitter
    private var contents: Contents

    /// Makes a reader.
    package init(limits: Limits = Limits()) {
        splitter = LineSplitter(maximumLength: limits.lineBytes)
        contents = Contents(limits: limits)
    }

    /// Reads the next bytes of the file.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest` or `.tooLarge`: the line's number, and the reason.
    package mutating func read(_ bytes: UnsafeRawBufferPointer) throws(RuleError) {
        contents.sizeInBytes += Int64(bytes.count)
        try Self.split(bytes, by: &splitter, into: &contents)
    }

    /// Reads the end of the file.
    ///
    /// - Throws: As ``read(_:)``; also if there was no request.
    package mutating func finish() throws(RuleError) -> BatchInput {
        try Self.finish(&splitter, into: &contents)
        return try contents.input()
    }

    private static func split(
        _ bytes: UnsafeRawBufferPointer,
        by splitter: inout LineSplitter,
        into contents: inout Contents
    ) throws(RuleError) {
        try splitter.take(bytes) { line throws(RuleError) in try contents.take(line) }
    }

    private static func finish(_ splitter: inout LineSplitter, into contents: inout Contents) throws(RuleError) {
        try splitter.finish { line throws(RuleError) in try contents.take(line) }
    }
}

extension BatchInputReader {
    /// What was in the lines so far.
    private struct Contents {
        /// What all requests have in common, as it stands in the first one.
        private struct First {
            let url: [UInt8]
            let model: [UInt8]
        }

        let limits: Limits
        var sizeInBytes: Int64 = 0
        private var lines = 0
        private var requests = 0
        private var firstLine = 0
        private var first: First?
        private var modelBytes: Int64 = 0
        private var files: [BatchInput.NamedFile] = []
        private var indices: [String: Int] = [:]
        // Each process seeds its hashes anew: nobody can make two names that have the same one.
        private var customIDs: Set<Int> = []

        init(limits: Limits) { self.limits = limits }

        mutating func take(_ bytes: UnsafeRawBufferPointer) throws(RuleError) {
            lines += 1
            if bytes.isBlankLine { return }
            do throws(RuleError) {
                try note(try BatchLine(bytes, withPaths: false), in: bytes)
            } catch {
                throw error.inLine(lines)
            }
        }

        private mutating func note(_ line: BatchLine, in bytes: UnsafeRawBufferPointer) throws(RuleError) {
            requests += 1
            if requests == 1 { firstLine = lines }
            guard requests <= limits.requests else {
                throw RuleError(.tooLarge, "A batch has at most \(limits.requests) requests. Make several.")
            }
            let customID = bytes.contents(of: line.customID)
            guard customIDs.insert(customID.hashValueOfBytes).inserted else {
                throw RuleError(
                    .invalidRequest,
                    "An earlier line has the same custom_id \"\(customID.text)\"; each request needs its own.",
                    parameter: "custom_id"
                )
            }
            try compareWithFirst(line, in: bytes)
            modelBytes += Int64(line.modelRange.count)
            for (index, place) in line.files.enumerated() { try note(place, at: index, in: bytes) }
        }

        private mutating func compareWithFirst(
            _ line: BatchLine,
            in bytes: UnsafeRawBufferPointer
        ) throws(RuleError) {
            let (url, model) = (bytes.contents(of: line.url), bytes.contents(ofLiteral: line.modelRange))
            guard let first else {
                first = First(url: url.bytes, model: model.bytes)
                return
            }
            try Self.compare(url, first.url, "url", at: "url")
            try Self.compare(model, first.model, "model", at: "body.model")
        }

        private static func compare(
            _ contents: StringContents,
            _ first: [UInt8],
            _ name: String,
            at path: String
        ) throws(RuleError) {
            guard !(contents == first) else { return }
            let text = String(decoding: first, as: UTF8.self)
            throw RuleError(
                .invalidRequest,
                "Its \(name) is \"\(contents.text)\", that of the first request \"\(text)\"; one batch has one.",
                parameter: path
            )
        }

        private mutating func note(
            _ place: FilePlace,
            at placeIndex: Int,
            in bytes: UnsafeRawBufferPointer
        ) throws(RuleError) {
            let index: Int
            if let known = indices[place.text] {
                index = known
            } else {
                let path = try BatchLine(bytes).files[placeIndex].path
                guard files.count < limits.files else {
                    throw RuleError(
                        .tooLarge,
                        "A batch names at most \(limits.files) different files. Make several.",
                        parameter: path
                    )
                }
                index = files.count
                indices[place.text] = index
                files.append(BatchInput.NamedFile(text: place.text, line: lines, path: path))
            }
            files[index].note(place)
        }

        func input() throws(RuleError) -> BatchInput {
            guard let first else {
                throw RuleError(.invalidRequest, "The input file has no requests. Put one into each line.")
            }
            return BatchInput(
                endpoint: String(decoding: first.url, as: UTF8.self),
                model: String(decoding: first.model, as: UTF8.self),
                firstLine: firstLine,
                requests: requests,
                sizeInBytes: sizeInBytes,
                modelBytes: modelBytes,
                files: files
            )
        }
    }
}

/// The contents of a string in a line, decoded only if it has escapes.
private enum StringContents {
    case plain(UnsafeRawBufferPointer)
    case decoded([UInt8])

    var bytes: [UInt8] {
        switch self {
        case .plain(let bytes): Array(bytes)
        case .decoded(let bytes): bytes
        }
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }

    var hashValueOfBytes: Int {
        var hasher = Hasher()
        switch self {
        case .plain(let bytes): hasher.combine(bytes: bytes)
        case .decoded(let bytes): bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
        return hasher.finalize()
    }

    static func == (contents: Self, other: [UInt8]) -> Bool {
        switch contents {
        case .plain(let bytes): bytes.elementsEqual(other)
        case .decoded(let bytes): bytes == other
        }
    }
}

extension UnsafeRawBufferPointer {
    fileprivate func contents(of string: JSONString) -> StringContents {
        guard string.hasEscapes, let scanner = JSONScanner(self) else {
            return .plain(UnsafeRawBufferPointer(rebasing: self[string.start..<string.end]))
        }
        return .decoded(scanner.decodedBytes(of: string, limit: .max))
    }

    fileprivate func contents(ofLiteral range: Range<Int>) -> StringContents {
        let (start, end) = (range.lowerBound + 1, range.upperBound - 1)
        return contents(
            of: JSONString(start: start, end: end, hasEscapes: self[start..<end].contains(UInt8(ascii: "\\")))
        )
    }
}
