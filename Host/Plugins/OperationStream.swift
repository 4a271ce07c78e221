import NIOCore
import NIOHTTP1

/// One piece of an operation's answer.
package enum OperationPart: Sendable {
    /// The provider's own answer begins; ``bytes(_:)`` follow.
    case pipe(status: Int, headers: HTTPHeaders)
    case bytes(ByteBuffer)
    /// The payload of one server-sent event, with its name or an empty one.
    case event(ByteBuffer, name: String)
    case usage(ByteBuffer)
    /// The last piece.
    case result(OperationResult)
}

/// An operation's answer, piece by piece; whoever reads slowly slows the provider.
///
/// Ending the iteration early cancels the operation. Failures are thrown as ``OperationFailure``.
package struct OperationStream: AsyncSequence, Sendable {
    package typealias Element = OperationPart
    typealias Producer = NIOThrowingAsyncSequenceProducer<
        OperationPart, any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, Demand
    >

    private let sequence: Producer
    private let demand: Demand

    /// Begins an operation on an event loop.
    init(
        _ request: OperationRequest,
        target: PluginTarget,
        loop: any EventLoop,
        environment: OperationEnvironment
    ) {
        let demand = Demand(loop: loop)
        let made = Producer.makeSequence(
            elementType: OperationPart.self,
            failureType: (any Error).self,
            backPressureStrategy: .init(lowWatermark: 4, highWatermark: 16),
            finishOnDeinit: true,
            delegate: demand
        )
        sequence = made.sequence
        self.demand = demand
        let source = made.source
        loop.execute {
            let client = StreamedCall(source: source)
            let driver = OperationDriver(
                request,
                target: target,
                loop: loop,
                environment: environment,
                client: client
            )
            client.driver = driver
            demand.begin(driver)
        }
    }

    /// Ends the operation; whoever reads gets a failure with `.cancelled`.
    package func cancel() { demand.cancel() }

    /// Reads the pieces; may be called once.
    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: sequence.makeAsyncIterator()) }

    /// Reads the pieces of one answer.
    package struct AsyncIterator: AsyncIteratorProtocol {
        var base: Producer.AsyncIterator

        /// The next piece; nil after the last one, or when the reading task was cancelled.
        package mutating func next() async throws -> OperationPart? { try await base.next() }
    }

    /// Carries the reader's wishes to the operation's event loop.
    struct Demand: NIOAsyncSequenceProducerDelegate {
        private let driver: NIOLoopBoundBox<DriverState>
        private let loop: any EventLoop

        private enum DriverState {
            case notBegun
            case running(OperationDriver)
            case gone
        }

        init(loop: any EventLoop) {
            self.loop = loop
            driver = NIOLoopBoundBox.makeBoxSendingValue(.notBegun, eventLoop: loop)
        }

        func begin(_ started: OperationDriver) {
            // The reader may have gone before the operation came to its event loop.
            guard case .notBegun = driver.value else { return }
            driver.value = .running(started)
            started.start()
        }

        func produceMore() {
            loop.execute {
                if case .running(let driver) = driver.value { driver.resume() }
            }
        }

        func didTerminate() {
            loop.execute {
                let state = driver.value
                driver.value = .gone
                if case .running(let driver) = state { driver.cancel() }
            }
        }

        func cancel() {
            loop.execute {
                if case .running(let driver) = driver.value { driver.cancel() }
            }
        }
    }
}

/// The client of an operation whose answer is read as a sequence.
private final class StreamedCall: OperationClient {
    private let source: OperationStream.Producer.Source
    weak var driver: OperationDriver?

    init(source: OperationStream.Producer.Source) { self.source = source }

    private func give(_ part: OperationPart) {
        if case .stopProducing = source.yield(part) { driver?.pause() }
    }

    func operationWillJournal(_: JournalEntry) -> EventLoopFuture<Void>? { nil }
    func operationDidBeginPipe(status: Int, headers: HTTPHeaders) { give(.pipe(status: status, headers: headers)) }
    func operationDidPipe(_ bytes: ByteBuffer) { give(.bytes(bytes)) }
    func operationDidOutput(_ payload: ByteBuffer, event: String) { give(.event(payload, name: event)) }
    func operationDidUse(_ usage: ByteBuffer) { give(.usage(usage)) }

    func operationDidEnd(_ outcome: Result<OperationResult, OperationFailure>) {
        switch outcome {
        case .success(let result):
            give(.result(result))
            source.finish()
        case .failure(let failure): source.finish(failure)
        }
    }
}
