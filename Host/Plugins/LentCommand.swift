import CGantryPlugin
import NIOCore

/// Reads a command where it lies; members past the size that its writer knew read as zero.
struct LentCommand {
    private static let maximumPairs = 256
    private static let maximumSegments = 65_536
    private static let maximumScopeBytes = 4096
    /// Twice what a client gets, which is cut when the secrets in it are masked.
    private static let maximumMessageBytes = 8192

    private let command: gantry_command

    /// Copies as much of the command as its writer knew; nil for a size that cannot be.
    init?(_ lent: UnsafePointer<gantry_command>) {
        let size = Int(lent.pointee.size)
        guard size >= 8, size <= 1 << 16 else { return nil }
        var copy = gantry_command()
        withUnsafeMutableBytes(of: &copy) { bytes in
            bytes.copyBytes(from: UnsafeRawBufferPointer(start: lent, count: min(size, bytes.count)))
        }
        command = copy
        guard (0...Self.maximumPairs).contains(copy.pair_count), copy.pairs != nil || copy.pair_count == 0,
            (0...Self.maximumSegments).contains(copy.segment_count),
            copy.segments != nil || copy.segment_count == 0,
            copy.data.isWellFormed, copy.text.isWellFormed, copy.method.isWellFormed, copy.url.isWellFormed
        else { return nil }
    }

    /// How much there is to copy; malformed pieces count nothing, for they are refused.
    var sizeInBytes: Int {
        let slices = command.data.len + command.text.len + command.method.len + command.url.len
        let pairs = (0..<command.pair_count).reduce(0) { sum, index in
            let pair = command.pairs[index]
            return sum + pair.name.readableLength + pair.value.readableLength + pair.secret.readableLength
        }
        return (0..<command.segment_count).reduce(slices + pairs) { $0 + command.segments[$1].bytes.readableLength }
    }

    /// Copies the command; the head of a request is looked for among the known ones first.
    func decoded(_ heads: RequestHeads?) throws(RefusedCommand) -> PluginCommand {
        switch Int(command.kind) {
        case GANTRY_CMD_HTTP: return .http(try http(heads))
        case GANTRY_CMD_PULL: return .pull
        case GANTRY_CMD_ABORT: return .abort(request: command.request)
        case GANTRY_CMD_WAIT: return .wait(milliseconds: command.value)
        case GANTRY_CMD_TOKEN:
            guard command.text.len <= Self.maximumScopeBytes else { throw RefusedCommand(code: Status.invalid) }
            return .token(scope: String(lent: command.text), refresh: hasFlag(GANTRY_TOKEN_REFRESH))
        case GANTRY_CMD_OUTPUT:
            return .output(payload: ByteBuffer(lent: command.data), event: String(lent: command.text))
        case GANTRY_CMD_PIPE: return .pipe(request: command.request, headers: try headers())
        case GANTRY_CMD_REMEMBER:
            return .journal(.remember(kind: String(lent: command.text), id: try identifier()))
        case GANTRY_CMD_FORGET:
            return .journal(.forget(kind: String(lent: command.text), id: try identifier()))
        case GANTRY_CMD_USAGE: return .usage(ByteBuffer(lent: command.data))
        case GANTRY_CMD_RESULT:
            return .result(OperationResult(data: ByteBuffer(lent: command.data), value: command.value))
        case GANTRY_CMD_ERROR: return .error(failure())
        default: throw RefusedCommand(code: Status.unsupported)
        }
    }

    private func hasFlag(_ flag: Int) -> Bool { command.flags & UInt32(flag) != 0 }

    private func identifier() throws(RefusedCommand) -> String {
        guard (1...4096).contains(command.data.len),
            let text = String(validating: UnsafeRawBufferPointer(lent: command.data), as: UTF8.self)
        else { throw RefusedCommand(code: Status.invalid) }
        return text
    }

    private func http(_ heads: RequestHeads?) throws(RefusedCommand) -> HTTPCommand {
        guard let framing = ResponseFraming(rawValue: command.code), !hasFlag(GANTRY_HTTP_STREAM_BODY) else {
            throw RefusedCommand(code: Status.unsupported)
        }
        return HTTPCommand(
            request: command.request,
            head: try head(heads),
            body: try pieces(),
            framing: framing,
            timeoutInMilliseconds: command.value,
            isIdempotent: hasFlag(GANTRY_HTTP_IDEMPOTENT),
            allowsRetry: !hasFlag(GANTRY_HTTP_NO_RETRY)
        )
    }

    private func head(_ heads: RequestHeads?) throws(RefusedCommand) -> HTTPCommand.Head {
        if let known = heads?.head(of: command) { return .known(known) }
        return .new(
            CommandHead(
                method: String(lent: command.method),
                url: String(lent: command.url),
                headers: try headers(),
                texts: LentHeadTexts(command)
            )
        )
    }

    private func headers() throws(RefusedCommand) -> [CommandHeader] {
        var headers: [CommandHeader] = []
        for index in 0..<command.pair_count {
            let pair = command.pairs[index]
            guard pair.name.isWellFormed, pair.value.isWellFormed, pair.secret.isWellFormed else {
                throw RefusedCommand(code: Status.invalid)
            }
            headers.append(
                CommandHeader(
                    name: String(lent: pair.name),
                    value: String(lent: pair.value),
                    secret: String(lent: pair.secret)
                )
            )
        }
        return headers
    }

    private func pieces() throws(RefusedCommand) -> [HTTPCommand.Piece] {
        var pieces: [HTTPCommand.Piece] = []
        pieces.reserveCapacity(command.segment_count)
        for index in 0..<command.segment_count {
            let segment = command.segments[index]
            guard segment.bytes.isWellFormed else { throw RefusedCommand(code: Status.invalid) }
            switch Int(segment.kind) {
            case GANTRY_SEG_BYTES: pieces.append(.bytes(ByteBuffer(lent: segment.bytes)))
            case GANTRY_SEG_SOURCE: pieces.append(.source(offset: segment.offset, length: segment.length))
            case GANTRY_SEG_INPUT: pieces.append(.input(offset: segment.offset, length: segment.length))
            case GANTRY_SEG_SECRET:
                let isFormEncoded = segment.flags & UInt32(GANTRY_SEGF_FORM) != 0
                pieces.append(.secret(name: String(lent: segment.bytes), isFormEncoded: isFormEncoded))
            default: throw RefusedCommand(code: Status.unsupported)
            }
        }
        return pieces
    }

    private func failure() -> OperationFailure {
        // The two reasons above every plugin's are the host's own: a plugin that claims one is wrong.
        let claimed = OperationFailure.Reason(rawValue: command.code)
        let reason = command.code >= 1000 ? .internalError : claimed ?? .internalError
        let parameter = String(lent: command.text.prefix(512))
        return OperationFailure(
            reason,
            String(lent: command.data.prefix(Self.maximumMessageBytes)),
            parameter: parameter.isEmpty ? nil : parameter,
            upstreamStatus: Int(command.upstream),
            retryAfter: command.value == 0 ? nil : .milliseconds(Int64(clamping: min(command.value, 86_400_000))),
            isRetryable: hasFlag(GANTRY_ERRF_RETRY),
            mayFallBack: hasFlag(GANTRY_ERRF_FALLBACK)
        )
    }
}

extension gantry_slice {
    /// Whether this can be read: a null pointer only with no bytes, and a length that memory can have.
    var isWellFormed: Bool { (0...(1 << 32)).contains(len) && (ptr != nil || len == 0) }

    /// The length, or nothing if this cannot be read.
    var readableLength: Int { isWellFormed ? len : 0 }

    /// The first bytes of this.
    func prefix(_ maximumLength: Int) -> gantry_slice { gantry_slice(ptr: ptr, len: min(len, maximumLength)) }
}
