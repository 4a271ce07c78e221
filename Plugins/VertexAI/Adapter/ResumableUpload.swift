import GantryPlugin

/// What to do next in a resumable upload, decided without doing it.
///
/// The server says how much it has; the client goes on from there. What went wrong on the way is found out by asking.
/// Source: https://cloud.google.com/storage/docs/performing-resumable-uploads, read 2026-11-22.
struct ResumableUpload: Equatable {
    enum Step: Equatable {
        /// Send these bytes of the file; an empty range finishes an empty file.
        case send(Range<UInt64>)
        /// Wait, then ask how much the server has.
        case query(afterMilliseconds: UInt64)
        /// Say by ``provide(upTo:isLast:)`` what comes next: the server has all that was at hand.
        case provide
        /// The object is there; this is its description.
        case finished([UInt8])
    }

    /// A multiple of 256 KiB, as every piece but the last has to be.
    static let pieceSize: UInt64 = 64 << 20

    /// How often in a row a step may bring nothing.
    static let retryLimit = 5

    /// The length of the whole; nil until it is known.
    private(set) var total: UInt64?
    private(set) var step: Step
    /// Where the bytes end that can be sent now.
    private var available: UInt64
    private var confirmed: UInt64 = 0
    /// The most the server can have by now.
    private var sent: UInt64 = 0
    private var fruitlessSteps = 0

    /// An upload of a known length, all of which is at hand.
    init(total: UInt64) {
        self.total = total
        available = total
        step = .send(0..<min(total, Self.pieceSize))
    }

    /// An upload whose length shows at its end.
    init() {
        available = 0
        step = .provide
    }

    /// Goes on with the bytes up to `end`: a multiple of 256 KiB unless they are the last, and at least one.
    mutating func provide(upTo end: UInt64, isLast: Bool) {
        available = end
        if isLast { total = end }
        step = .send(confirmed..<min(end, confirmed + Self.pieceSize))
    }

    /// The `Content-Range` of a step's request; with an empty range it is the question how much is there.
    func contentRange(_ range: Range<UInt64>) -> String {
        let total = total.map { String($0) } ?? "*"
        return range.isEmpty ? "bytes */\(total)" : "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(total)"
    }

    /// Takes the answer to the last step.
    mutating func received(status: Int, range: String?, error: UpstreamError, body: [UInt8]) throws(Failure) {
        noteSent()
        switch status {
        case 200, 201:
            step = .finished(body)
        case 308:
            try advance(to: Self.confirmedLength(range))
        case 408, 429, 500...599:
            try retry(after: error.failure(service: CloudStorage.serviceName))
        case 404, 410:
            // The session has ended; a new one has to begin at the start, which is the host's decision.
            throw Failure(
                .upstreamUnavailable,
                "Cloud Storage has ended the upload; try again.",
                upstreamStatus: status,
                isRetryable: true
            )
        default:
            throw error.failure(service: CloudStorage.serviceName)
        }
    }

    /// Takes the news that the last step had no answer.
    mutating func lost(_ failure: Failure) throws(Failure) {
        noteSent()
        switch failure.reason {
        case .upstreamUnavailable, .upstreamTimeout, .upstreamProtocol: try retry(after: failure)
        default: throw failure
        }
    }

    private mutating func noteSent() {
        if case .send(let range) = step { sent = max(sent, range.upperBound) }
    }

    private mutating func advance(to length: UInt64?) throws(Failure) {
        guard let length, length >= confirmed, length <= sent else {
            throw Failure(.upstreamProtocol, "Cloud Storage confirmed bytes that it cannot have.", mayFallBack: true)
        }
        let hasProgressed = length > confirmed
        confirmed = length
        if hasProgressed { fruitlessSteps = 0 }
        guard total != nil || length < available else {
            step = .provide
            return
        }
        guard hasProgressed || isQuery, length < total ?? .max else {
            // It has everything and does not finish, or has got nothing of what was sent.
            try retry(
                after: Failure(
                    .upstreamProtocol,
                    "Cloud Storage makes no progress with the upload.",
                    isRetryable: true,
                    mayFallBack: true
                )
            )
            return
        }
        step = .send(length..<min(available, length + Self.pieceSize))
    }

    private var isQuery: Bool {
        guard case .query = step else { return false }
        return true
    }

    /// 1, 2, 4, 8 and 16 seconds, or what the server asks for up to a minute.
    private mutating func retry(after failure: Failure) throws(Failure) {
        guard fruitlessSteps < Self.retryLimit else {
            // What was begun is undone, so the whole of it may be tried again.
            var failure = failure
            failure.isRetryable = true
            failure.mayFallBack = true
            throw failure
        }
        let delay = max(1000 << UInt64(fruitlessSteps), min(failure.retryAfterMilliseconds, 60000))
        fruitlessSteps += 1
        step = .query(afterMilliseconds: delay)
    }

    /// The length that `bytes=0-N` stands for; nil if the header is something else.
    ///
    /// Without the header the server has nothing.
    private static func confirmedLength(_ range: String?) -> UInt64? {
        guard let range else { return 0 }
        guard range.hasPrefix("bytes=0-"), let last = UInt64(range.dropFirst(8)), last < .max else { return nil }
        return last + 1
    }
}
