/// Cuts a stream of bytes into lines; it holds no more than the part of a line that the next bytes go on with.
package struct LineSplitter: Sendable {
    /// How many lines have been handed out.
    package private(set) var lines = 0
    /// The longest line, its end not counted.
    package let maximumLength: Int
    private var rest: [UInt8] = []

    /// Makes a splitter.
    package init(maximumLength: Int) { self.maximumLength = maximumLength }

    /// Takes the next bytes.
    ///
    /// - Parameters:
    ///   - bytes: Lent for this call.
    ///   - body: Gets each line that ends in them with its LF, in order; the bytes are lent for the call.
    /// - Throws: ``RuleError`` with `.tooLarge` for a line over the maximum, and whatever `body` throws.
    package mutating func take(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(RuleError) -> Void
    ) throws(RuleError) {
        var start = 0
        while let end = Self.end(ofLineIn: bytes, from: start) {
            let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            try checkLength(rest.count + line.count - 1)
            if rest.isEmpty {
                try handOut(line, body)
            } else {
                rest.append(contentsOf: line)
                try handOutRest(body)
            }
            start = end
        }
        try checkLength(rest.count + bytes.count - start)
        rest.append(contentsOf: bytes[start...])
    }

    /// Takes the end of the stream: hands out the last line if it had no LF.
    package mutating func finish(_ body: (UnsafeRawBufferPointer) throws(RuleError) -> Void) throws(RuleError) {
        if !rest.isEmpty { try handOutRest(body) }
    }

    private mutating func handOutRest(
        _ body: (UnsafeRawBufferPointer) throws(RuleError) -> Void
    ) throws(RuleError) {
        var outcome = Result<Void, RuleError>.success(())
        lines += 1
        rest.withUnsafeBytes { line in
            outcome = Result { () throws(RuleError) in try body(line) }
        }
        rest.removeAll(keepingCapacity: true)
        try outcome.get()
    }

    private mutating func handOut(
        _ line: UnsafeRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(RuleError) -> Void
    ) throws(RuleError) {
        lines += 1
        try body(line)
    }

    private func checkLength(_ length: Int) throws(RuleError) {
        guard length > maximumLength else { return }
        throw RuleError(.tooLarge, "Line \(lines + 1) has more than \(maximumLength) bytes. Split the request.")
    }

    // The place after the next LF, sixteen bytes at a time.
    private static func end(ofLineIn bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        var index = start
        let lineFeeds = SIMD16<UInt8>(repeating: 0x0a)
        while index + 16 <= bytes.count {
            let matches = bytes.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self) .== lineFeeds
            let marks = UInt128(littleEndian: unsafeBitCast(matches, to: UInt128.self))
            if marks != .zero { return index + marks.trailingZeroBitCount / 8 + 1 }
            index += 16
        }
        while index < bytes.count {
            if bytes[index] == 0x0a { return index + 1 }
            index += 1
        }
        return nil
    }
}

extension UnsafeRawBufferPointer {
    /// Whether a line has nothing in it but white space.
    package var isBlankLine: Bool { allSatisfy { $0 == 0x0a || $0 == 0x0d || $0 == 0x20 || $0 == 0x09 } }
}
