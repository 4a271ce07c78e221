import CGantryPlugin
import HostCore
import HostUpstream
import NIOCore

/// The ABI's numbers for network failures.
enum Net {
    static let tooLarge = Int32(GANTRY_NET_TOO_LARGE)
    static let denied = Int32(GANTRY_NET_DENIED)

    /// The number for a failure of the upstream client.
    static func code(of error: UpstreamError) -> Int32 {
        switch error.code {
        case .dns: Int32(GANTRY_NET_DNS)
        case .connect, .overloaded: Int32(GANTRY_NET_CONNECT)
        case .tls: Int32(GANTRY_NET_TLS)
        case .timeout: Int32(GANTRY_NET_TIMEOUT)
        case .tooLarge: tooLarge
        case .denied: denied
        case .reset, .invalidRequest, .unreadableBody, .protocolViolation, .cancelled: Int32(GANTRY_NET_RESET)
        }
    }
}

/// Turns a plugin's HTTP command into a request: reach checked, secrets put in, segments cut.
struct RequestBuilder {
    enum Refusal: Error {
        /// The operator has not allowed the host.
        case denied(String)
        /// The plugin broke a rule.
        case invalid(String)
    }

    let target: PluginTarget
    let request: OperationRequest

    func build(_ command: HTTPCommand) throws(Refusal) -> UpstreamRequest {
        let head = try head(command.head)
        var body: [UpstreamBodyPiece] = []
        body.reserveCapacity(command.body.count)
        for piece in command.body { body.append(try bodyPiece(piece)) }
        let asked = TimeAmount.milliseconds(Int64(clamping: min(command.timeoutInMilliseconds, 86_400_000)))
        do {
            return try UpstreamRequest(
                head,
                body: body,
                isIdempotent: command.isIdempotent,
                allowsRetry: command.allowsRetry,
                totalTimeout: asked == .zero ? target.timeout : min(asked, target.timeout)
            )
        } catch {
            throw .invalid("its request is malformed: \(error.message)")
        }
    }

    private func head(_ head: HTTPCommand.Head) throws(Refusal) -> UpstreamRequestHead {
        switch head {
        case .known(let head): return head
        case .new(let asked):
            let head = try checked(asked)
            if let texts = asked.texts { target.heads.keep(head, for: texts) }
            return head
        }
    }

    private func checked(_ head: CommandHead) throws(Refusal) -> UpstreamRequestHead {
        let url: UpstreamURL
        do {
            url = try UpstreamURL(parsing: head.url)
        } catch {
            throw .invalid("it asked for something that is not an http or https URL")
        }
        guard target.reach.allows(url.endpoint) else {
            throw .denied("\(url.scheme.rawValue)://\(url.authority) is not among the hosts of the manifest")
        }
        var headers: [UpstreamRequestHead.Header] = []
        headers.reserveCapacity(head.headers.count)
        for header in head.headers {
            let value = header.secret.isEmpty ? header.value : header.value + (try secret(header.secret))
            headers.append((name: header.name, value: value))
        }
        do {
            return try UpstreamRequestHead(method: head.method, url: url, headers: headers)
        } catch {
            throw .invalid("its request is malformed: \(error.message)")
        }
    }

    private func secret(_ name: String) throws(Refusal) -> String {
        guard let value = target.instance.secrets.value(name, deployment: target.deployment.id.description) else {
            throw .invalid("it named the secret \(name.truncated(toBytes: 128)), which this deployment does not have")
        }
        return value
    }

    private func bodyPiece(_ piece: HTTPCommand.Piece) throws(Refusal) -> UpstreamBodyPiece {
        switch piece {
        case .bytes(let bytes): return .bytes(bytes)
        case .source(let offset, let length):
            guard let source = request.source else { throw .invalid("it sends a source, and there is none") }
            let range = try range(offset, length, within: UInt64(clamping: source.sizeInBytes))
            return .file(source, range: Int64(range.lowerBound)..<Int64(range.upperBound))
        case .input(let offset, let length):
            let range = try range(offset, length, within: UInt64(request.input.readableBytes))
            let start = request.input.readerIndex + Int(range.lowerBound)
            guard let slice = request.input.getSlice(at: start, length: range.count) else {
                throw .invalid("it sends more than its input")
            }
            return .bytes(slice)
        case .secret(let name, let isFormEncoded):
            let value = try secret(name)
            return .bytes(ByteBuffer(string: isFormEncoded ? Self.formEncoded(value) : value))
        }
    }

    /// A range inside of `size`; length 0 reaches to the end.
    private func range(_ offset: UInt64, _ length: UInt64, within size: UInt64) throws(Refusal) -> Range<UInt64> {
        guard offset <= size, length <= size - offset else { throw .invalid("it sends a range that is not there") }
        return offset..<(length == 0 ? size : offset + length)
    }

    /// WHATWG URL, application/x-www-form-urlencoded.
    private static func formEncoded(_ text: String) -> String {
        var encoded: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "*"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"):
                encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
