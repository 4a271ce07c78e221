import HostPluginABI

/// One operation of an instance whose code is in workers: where it is, and whom its answers are for.
///
/// Used on its channel's event loop only.
final class WorkerOperation {
    /// The worker's name for it.
    let number: UInt64
    let kind: OperationKind
    /// The worker's name for the target.
    let target: UInt32
    let channel: WorkerChannel
    /// Whether the worker has heard of it.
    fileprivate(set) var isKnown = false
    /// When its step was sent, among all of the channel; nil if the worker owes it nothing.
    var step: UInt64?
    /// Whether the plugin may have much memory for it.
    var isLarge = false
    /// Lines of the source that were read and not yet asked for.
    var readAhead = Queue<SourceRead>()
    /// It and the driver keep each other until the operation or the worker ends: an answer may be waited for after the
    /// operation's end, because of its books.
    private(set) var driver: OperationDriver?

    init(number: UInt64, kind: OperationKind, target: UInt32, channel: WorkerChannel) {
        self.number = number
        self.kind = kind
        self.target = target
        self.channel = channel
    }

    /// Whether its worker has ended.
    var isLost: Bool { channel.hasEnded }

    /// Says whom the answers are for.
    func attach(to driver: OperationDriver) { self.driver = driver }

    /// Sends a step that was written before.
    func send(_ message: consuming OutgoingMessage) {
        isKnown = true
        channel.send(message, stepOf: self)
    }

    /// What the worker has to know to write a step; a value, so that another thread can.
    var address: Address {
        Address(operation: number, new: isKnown ? nil : (target, kind.rawValue))
    }

    /// Frees it; the last call.
    func free() {
        channel.free(self)
        detach()
    }

    /// Its answers are for nobody any more.
    func detach() { driver = nil }

    /// Which operation a step is for.
    struct Address: Sendable {
        let operation: UInt64
        let new: (target: UInt32, kind: UInt32)?

        /// Writes a step; the event's bytes are copied.
        func message(
            _ event: OperationEvent,
            _ request: OperationRequest,
            _ rules: EmissionRules,
            reusing storage: consuming [UInt8] = []
        ) -> OutgoingMessage {
            // Taken out of the closure, which may be called once only but does not say so.
            var storage = storage
            return event.withLent(for: request) { lent in
                var taken: [UInt8] = []
                swap(&taken, &storage)
                return StepMessage.message(
                    operation: operation,
                    new: new,
                    rules: rules,
                    event: lent,
                    reusing: taken
                )
            }
        }
    }
}
