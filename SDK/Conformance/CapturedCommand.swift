import CGantryPlugin

/// A copy of a command, with what is wrong in its form.
struct CapturedCommand: Equatable {
    struct Pair: Equatable {
        var name: [UInt8]
        var value: [UInt8]
        var secret: [UInt8]
    }

    struct Segment: Equatable {
        var kind: UInt32
        var flags: UInt32
        var bytes: [UInt8]
        var offset: UInt64
        var length: UInt64
    }

    var kind: UInt32 = 0
    var flags: UInt32 = 0
    var request: UInt32 = 0
    var code: Int32 = 0
    var upstream: UInt32 = 0
    var value: UInt64 = 0
    var data: [UInt8] = []
    var text: [UInt8] = []
    var method: [UInt8] = []
    var url: [UInt8] = []
    var pairs: [Pair] = []
    var segments: [Segment] = []
    /// Why the command could not be read as it is.
    var defect: String?
    /// What the sink answered.
    var answer: gantry_status = 0

    /// Copies a lent command; members past the size that its writer knew read as zero.
    init(_ lent: UnsafePointer<gantry_command>) {
        let size = Int(lent.pointee.size)
        guard size >= 8, size <= 1 << 16 else {
            defect = "its size is \(size)"
            return
        }
        var copy = gantry_command()
        withUnsafeMutableBytes(of: &copy) { bytes in
            bytes.copyBytes(from: UnsafeRawBufferPointer(start: lent, count: min(size, bytes.count)))
        }
        (kind, flags, request, code) = (copy.kind, copy.flags, copy.request, copy.code)
        (upstream, value) = (copy.upstream, copy.value)
        data = bytes(copy.data, "data")
        text = bytes(copy.text, "text")
        method = bytes(copy.method, "method")
        url = bytes(copy.url, "url")
        readPairs(copy)
        readSegments(copy)
    }

    private mutating func readPairs(_ command: gantry_command) {
        guard (0...256).contains(command.pair_count), command.pairs != nil || command.pair_count == 0 else {
            defect =
                "it has \(UInt(bitPattern: command.pair_count)) pairs at \(command.pairs == nil ? "NULL" : "an address")"
            return
        }
        for index in 0..<command.pair_count {
            let pair = command.pairs[index]
            pairs.append(
                Pair(
                    name: bytes(pair.name, "pairs[\(index)].name"),
                    value: bytes(pair.value, "pairs[\(index)].value"),
                    secret: bytes(pair.secret, "pairs[\(index)].secret")
                )
            )
        }
    }

    private mutating func readSegments(_ command: gantry_command) {
        guard (0...65_536).contains(command.segment_count), command.segments != nil || command.segment_count == 0 else {
            defect = "it has \(UInt(bitPattern: command.segment_count)) segments that cannot be read"
            return
        }
        for index in 0..<command.segment_count {
            let segment = command.segments[index]
            segments.append(
                Segment(
                    kind: segment.kind,
                    flags: segment.flags,
                    bytes: bytes(segment.bytes, "segments[\(index)].bytes"),
                    offset: segment.offset,
                    length: segment.length
                )
            )
        }
    }

    private mutating func bytes(_ slice: gantry_slice, _ name: String) -> [UInt8] {
        guard (0...(1 << 32)).contains(slice.len), slice.ptr != nil || slice.len == 0 else {
            defect =
                "its \(name) has \(UInt(bitPattern: slice.len)) bytes at \(slice.ptr == nil ? "NULL" : "an address")"
            return []
        }
        return Array(UnsafeBufferPointer(start: slice.ptr, count: slice.len))
    }
}

extension CapturedCommand {
    private static let names: [UInt32: String] = [
        UInt32(GANTRY_CMD_HTTP): "http", UInt32(GANTRY_CMD_BODY): "body", UInt32(GANTRY_CMD_BODY_END): "body_end",
        UInt32(GANTRY_CMD_PULL): "pull", UInt32(GANTRY_CMD_ABORT): "abort", UInt32(GANTRY_CMD_WAIT): "wait",
        UInt32(GANTRY_CMD_TOKEN): "token", UInt32(GANTRY_CMD_OUTPUT): "output", UInt32(GANTRY_CMD_PIPE): "pipe",
        UInt32(GANTRY_CMD_REMEMBER): "remember", UInt32(GANTRY_CMD_FORGET): "forget",
        UInt32(GANTRY_CMD_USAGE): "usage", UInt32(GANTRY_CMD_RESULT): "result", UInt32(GANTRY_CMD_ERROR): "error",
    ]

    /// The kind in words.
    var name: String { Self.names[kind] ?? "command \(kind)" }

    /// The command on one line, as scripts expect it.
    var line: String {
        let parts: [String]
        switch Int(kind) {
        case GANTRY_CMD_HTTP: parts = [Self.text(method), Self.text(url)]
        case GANTRY_CMD_WAIT: parts = [String(value)]
        case GANTRY_CMD_TOKEN: parts = [Self.text(text)]
        case GANTRY_CMD_REMEMBER, GANTRY_CMD_FORGET: parts = [Self.text(text), Self.text(data)]
        case GANTRY_CMD_OUTPUT, GANTRY_CMD_USAGE, GANTRY_CMD_RESULT: parts = [Self.text(data)]
        case GANTRY_CMD_ERROR: parts = [String(code), Self.text(data)]
        default: parts = []
        }
        return ([name] + parts).joined(separator: " ")
    }

    /// The command on a line that is short enough for a message.
    var shortLine: String { line.utf8.count > 120 ? String(line.prefix(100)) + "…" : line }

    var isEnd: Bool { Int(kind) == GANTRY_CMD_RESULT || Int(kind) == GANTRY_CMD_ERROR }

    func hasKind(_ kind: Int) -> Bool { Int(self.kind) == kind }

    static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
