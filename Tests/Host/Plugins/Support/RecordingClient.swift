import NIOCore
import NIOHTTP1
import Synchronization

@testable import HostPlugins

/// Lines in the order in which they were written, from any thread.
final class EventLog: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// The client of an operation, which writes down what it is told.
final class RecordingClient: OperationClient {
    let log: EventLog
    let ended: EventLoopPromise<Result<OperationResult, OperationFailure>>
    weak var driver: OperationDriver?
    var onJournal: (JournalEntry) -> EventLoopFuture<Void>? = { _ in nil }
    var onOutput: (OperationDriver?) -> Void = { _ in }
    var onPipedBytes: (OperationDriver?) -> Void = { _ in }
    private var ends = 0

    init(log: EventLog, loop: any EventLoop) {
        self.log = log
        ended = loop.makePromise()
    }

    func operationWillJournal(_ entry: JournalEntry) -> EventLoopFuture<Void>? {
        switch entry {
        case .remember(_, let id): log.add("remember \(id)")
        case .forget(_, let id): log.add("forget \(id)")
        }
        return onJournal(entry)
    }

    func operationDidBeginPipe(status: Int, headers: HTTPHeaders) {
        log.add("pipe \(status)\(headers["x-extra"].map { " " + $0 }.joined())")
    }

    func operationDidPipe(_ bytes: ByteBuffer) {
        log.add("bytes \(String(buffer: bytes))")
        onPipedBytes(driver)
    }

    func operationDidOutput(_ payload: ByteBuffer, event: String) {
        log.add("output \(String(buffer: payload))")
        onOutput(driver)
    }

    func operationDidUse(_ usage: ByteBuffer) { log.add("usage") }

    func operationDidEnd(_ outcome: Result<OperationResult, OperationFailure>) {
        ends += 1
        guard ends == 1 else { return log.add("ended twice") }
        switch outcome {
        case .success(let result): log.add("result \(String(buffer: result.data))")
        case .failure(let failure): log.add("failure \(failure.reason)")
        }
        ended.succeed(outcome)
    }
}
