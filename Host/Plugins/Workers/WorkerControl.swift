import Glibc
import HostPluginABI
import Synchronization

/// The control socket of a worker: a question, the calls and log lines that come before the answer, the answer.
///
/// Everything here waits, so it is not for an event loop.
///
/// `@unchecked Sendable`: the memory is used by one question at a time, each of which holds the lock.
final class WorkerControl: @unchecked Sendable {
    /// How long a worker may take for any one question.
    static let patience = Duration.seconds(20)
    private static let maximumAnswerBytes = 64 << 20

    private let descriptor: Int32
    private let isAsking = Mutex(())
    private let packet = UnsafeMutableRawBufferPointer.allocate(
        byteCount: WorkerProtocol.maximumPacketBytes + 1,
        alignment: 16
    )

    /// Takes the host's end of the socket.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        packet.deallocate()
        close(descriptor)
    }

    /// Asks the worker for something.
    ///
    /// - Parameters:
    ///   - question: The message.
    ///   - services: Answers what the plugin asks of the host meanwhile.
    ///   - expected: The kind of the answer.
    ///   - limit: How long the worker may take.
    ///   - read: Reads it.
    /// - Returns: What `read` makes of the answer.
    /// - Throws: ``RefusedMessage`` if the worker refuses; ``WorkerProcessError`` if it does not answer, after which
    ///   it is of no use.
    func ask<R: Sendable>(
        _ question: OutgoingMessage,
        _ services: (any WorkerServices)?,
        expect expected: WorkerProtocol.Kind,
        within limit: Duration = WorkerControl.patience,
        _ read: (UnsafeRawBufferPointer) throws(WireError) -> R
    ) throws -> R {
        try isAsking.withLock { _ in
            var question = question
            return try askAlone(&question, services, expect: expected, within: limit, read)
        }
    }

    private func askAlone<R>(
        _ question: inout OutgoingMessage,
        _ services: (any WorkerServices)?,
        expect expected: WorkerProtocol.Kind,
        within limit: Duration,
        _ read: (UnsafeRawBufferPointer) throws(WireError) -> R
    ) throws -> R {
        let name = question.kind
        guard !question.isTooLarge else { throw WorkerProcessError(.garbage, "\(name) is too large for a worker") }
        let deadline = ContinuousClock.now.advanced(by: limit)
        try send(&question, name, deadline)
        var assembler = MessageAssembler(maximumBytes: Self.maximumAnswerBytes)
        var arrays = LentArrays()
        var lines = 0
        while true {
            let bytes = try receive(name, deadline)
            let part: Part<R>?
            do throws(WireError) {
                part = try assembler.receive(bytes) { kind, body throws(WireError) -> Part<R> in
                    switch kind {
                    case expected: return .answer(try read(body))
                    case .refused: return .refusal(try RefusedMessage(body))
                    case .call:
                        guard let services else { throw WireError("a call comes without services") }
                        return .reply(services.answer(try CallMessage(body)))
                    case .log:
                        lines += 1
                        // A check's are its progress.
                        let isKept = lines <= LogMessage.maximumLines || name == .check
                        try LogMessage.read(body, &arrays) { if isKept { services?.log($0, $1, $2, $3) } }
                        return .nothing
                    default: throw WireError("\(kind) is no answer to \(name)")
                    }
                }
            } catch {
                throw WorkerProcessError(.garbage, "it sent what no worker sends: \(error)")
            }
            switch part {
            case .answer(let answer): return answer
            case .refusal(let refusal): throw refusal
            case .reply(var reply): try send(&reply, name, deadline)
            case .nothing, nil: break
            }
        }
    }

    private enum Part<R> {
        case answer(R)
        case refusal(RefusedMessage)
        case reply(OutgoingMessage)
        case nothing
    }

    private func send(
        _ message: inout OutgoingMessage,
        _ name: WorkerProtocol.Kind,
        _ deadline: ContinuousClock.Instant
    ) throws(WorkerProcessError) {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        for index in 0..<message.packetCount {
            while true {
                let (sent, code) = message.withPacket(index) { packet in
                    (Glibc.send(descriptor, packet.baseAddress, packet.count, flags), errno)
                }
                if sent >= 0 { break }
                switch code {
                case EINTR: continue
                case EAGAIN: try wait(for: Int16(POLLOUT), name, deadline)
                default: throw Self.ended(name)
                }
            }
        }
    }

    private func receive(
        _ name: WorkerProtocol.Kind,
        _ deadline: ContinuousClock.Instant
    ) throws(WorkerProcessError) -> UnsafeRawBufferPointer {
        while true {
            try wait(for: Int16(POLLIN), name, deadline)
            let count = recv(descriptor, packet.baseAddress, packet.count, Int32(MSG_DONTWAIT))
            if count > 0 { return UnsafeRawBufferPointer(rebasing: packet[..<count]) }
            guard count < 0, errno == EINTR || errno == EAGAIN else { throw Self.ended(name) }
        }
    }

    private func wait(
        for events: Int16,
        _ name: WorkerProtocol.Kind,
        _ deadline: ContinuousClock.Instant
    ) throws(WorkerProcessError) {
        var poller = pollfd(fd: descriptor, events: events, revents: 0)
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard milliseconds > 0 else {
                throw WorkerProcessError(
                    .silent,
                    "it did not answer \(name) in time"
                )
            }
            let ready = poll(&poller, 1, Int32(clamping: milliseconds))
            if ready > 0 { return }
            guard ready == 0 || errno == EINTR else { throw WorkerProcessError(.ended, "poll: \(systemMessage())") }
        }
    }

    private static func ended(_ name: WorkerProtocol.Kind) -> WorkerProcessError {
        WorkerProcessError(.ended, "it ended before it answered \(name)")
    }
}
