import CGantryPlugin
import Glibc
import HostCore
import HostPluginABI
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// One data socket of a worker: the steps of the operations on one event loop, and their answers.
///
/// `@unchecked Sendable`: all of it is used on that event loop only.
final class WorkerChannel: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Commands in more bytes than this are copied on the thread pool.
    private static let heavyAnswerInBytes = OperationDriver.heavyStepInBytes

    /// So many operations wait to be freed with a step, and none longer than this.
    private static let mostFreed = 64
    private static let longestUnfreed = TimeAmount.milliseconds(50)
    /// An operation with a longer message is freed at once, for it may have as much memory.
    private static let shortBytes = 1 << 16
    /// More packets than a socket holds.
    private static let mostDrained = 4096

    let state: WorkerState
    /// The socket, which is NIO's to close.
    let socket: NIOBSDSocket.Handle
    let loop: any EventLoop
    private(set) var hasEnded = false
    private var operations: [UInt64: WorkerOperation] = [:]
    // The worker answers the steps of a socket in their order.
    private var lastStep: UInt64 = 0
    private var sentSteps: UInt64 = 0
    private var answeredSteps: UInt64 = 0

    // What goes out: one packet after the other, the next when the one before is in the socket.
    private var context: ChannelHandlerContext?
    /// Operations that the worker does not know yet to be over.
    private var freed: [UInt64] = []
    private var isFreeing = false
    private var outgoing = CircularBuffer<OutgoingMessage>()
    private var sending: OutgoingMessage?
    private var sentPackets = 0
    private var isPumping = false
    /// Whether the worker takes nothing any more; its end is told by what is read.
    private var isBroken = false
    private var packet = ByteBuffer()
    private var spare: [UInt8] = []

    // What comes in.
    private var assembler: MessageAssembler
    private var isReceiving = false
    private var arrays = LentArrays()
    private var lines = 0
    /// Whether the worker has asked something here and the answer is not all in the socket.
    private var isCalling = false

    private var watch: StepWatch
    private var channelWatch: StepWatch
    /// Changes with all that the worker does for the steps of this channel.
    private var headway: UInt64 = 0
    private var isWatching = false

    /// Makes one of a worker's channels, of which there are so many.
    init(_ state: WorkerState, socket: NIOBSDSocket.Handle, loop: any EventLoop, channels: Int) {
        self.state = state
        self.socket = socket
        self.loop = loop
        assembler = MessageAssembler(
            maximumBytes: WorkerProtocol.longestWorkerMessage(memoryInBytes: state.limits.memoryInBytes)
        )
        watch = StepWatch(limit: state.limits.stepTime)
        channelWatch = StepWatch(oneOf: channels, beside: watch)
    }

    // MARK: Operations

    /// Takes an operation; the worker hears of it with the first step.
    func begin(_ kind: OperationKind, target: UInt32) -> WorkerOperation {
        loop.preconditionInEventLoop()
        let number = state.nextNumber()
        let operation = WorkerOperation(number: number, kind: kind, target: target, channel: self)
        operations[number] = operation
        return operation
    }

    /// Memory for a step's message.
    func takeStorage() -> [UInt8] {
        var taken: [UInt8] = []
        swap(&taken, &spare)
        return taken
    }

    /// Sends a step of an operation that has none under way.
    func send(_ message: consuming OutgoingMessage, stepOf operation: WorkerOperation) {
        lastStep += 1
        operation.step = lastStep
        var message = message
        if message.bodyBytes > Self.shortBytes {
            operation.isLarge = true
        } else if !freed.isEmpty {
            StepMessage.append(freed: freed, to: &message)
            freed.removeAll(keepingCapacity: true)
        }
        outgoing.append(message)
        pump()
        startWatch()
    }

    /// Forgets an operation that has no step under way.
    func free(_ operation: WorkerOperation) {
        guard operations.removeValue(forKey: operation.number) != nil else { return }
        state.operations.subtract(1, ordering: .relaxed)
        guard operation.isKnown, !hasEnded else { return }
        // Telling it at once would wake the worker for nothing else.
        freed.append(operation.number)
        if freed.count == Self.mostFreed || operation.isLarge { return free() }
        guard !isFreeing else { return }
        isFreeing = true
        _ = loop.assumeIsolated().scheduleTask(in: Self.longestUnfreed) {
            self.isFreeing = false
            self.free()
        }
    }

    /// Tells the worker which operations are over.
    private func free() {
        guard !freed.isEmpty, !hasEnded else { return }
        outgoing.append(FreeMessage.message(operations: freed))
        freed.removeAll(keepingCapacity: true)
        pump()
    }

    // MARK: The socket

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        take(unwrapInboundIn(data))
    }

    private func take(_ packet: ByteBuffer) {
        guard !hasEnded else { return }
        do throws(WireError) {
            isReceiving = true
            defer { isReceiving = false }
            try receive(packet)
        } catch {
            return fail(.garbage(error.description))
        }
        pump()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { pump() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A worker that dies with unread packets resets the socket, and what it said before comes after that.
        if !isReceiving { drain(context) }
        context.close(promise: nil)
    }

    /// Takes what is left in the socket of a worker that has ended.
    private func drain(_ context: ChannelHandlerContext) {
        for _ in 0..<Self.mostDrained where context.channel.isActive && !hasEnded {
            var packet = context.channel.allocator.buffer(capacity: WorkerProtocol.maximumPacketBytes)
            let count = packet.writeWithUnsafeMutableBytes(minimumWritableBytes: WorkerProtocol.maximumPacketBytes) {
                max(0, recv(socket, $0.baseAddress, WorkerProtocol.maximumPacketBytes, Int32(MSG_DONTWAIT)))
            }
            guard count > 0 else { return }
            take(packet)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    func handlerRemoved(context _: ChannelHandlerContext) { context = nil }

    /// Lets the worker go; on the event loop.
    func close() {
        free()
        context?.close(promise: nil)
    }

    /// Writes as much as the socket takes; never two packets at once, which NIO would merge into one.
    ///
    /// Not while a packet is read: a write that fails makes NIO read what else there is before it closes the channel.
    private func pump() {
        guard let context, !isPumping, !isReceiving, !isBroken, !hasEnded else { return }
        isPumping = true
        defer { isPumping = false }
        let channel = context.channel
        while channel.isWritable, channel.isActive {
            if sending == nil {
                guard let next = outgoing.popFirst() else { return }
                (sending, sentPackets) = (next, 0)
            }
            let outcome = sending?.withPacket(sentPackets) { put($0) } ?? .broken
            guard outcome != .broken else {
                isBroken = true
                return
            }
            sentPackets += 1
            // While it owes no answer here, taking what it is sent is all that it can do.
            if sentSteps == answeredSteps { headway &+= 1 }
            if let count = sending?.packetCount, sentPackets == count {
                let sent = sending.take()
                note(sent?.kind)
                if spare.capacity == 0, let sent, sent.bodyBytes <= Self.shortBytes { spare = sent.takeStorage() }
            }
            // Last, for NIO may end the channel within the call.
            if outcome == .full { context.writeAndFlush(wrapOutboundOut(packet), promise: nil) }
        }
    }

    /// What came of putting a packet into the socket.
    private enum Put {
        case taken
        /// There is no room now; the packet is in ``WorkerChannel/packet``, and NIO's to write when there is.
        case full
        /// The worker has closed it.
        case broken
    }

    /// Puts a packet into the socket; NIO's way there costs several times the call itself.
    private func put(_ packet: UnsafeRawBufferPointer) -> Put {
        let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
        if Glibc.send(socket, packet.baseAddress, packet.count, flags) == packet.count { return .taken }
        if errno == EPIPE || errno == ECONNRESET { return .broken }
        self.packet.clear()
        self.packet.writeBytes(packet)
        return .full
    }

    /// A message's last packet goes out; from here on the worker may answer.
    private func note(_ sent: WorkerProtocol.Kind?) {
        switch sent {
        case .step: sentSteps += 1
        case .return: isCalling = false
        default: break
        }
    }

    // MARK: Messages

    private func receive(_ packet: ByteBuffer) throws(WireError) {
        do {
            try packet.withUnsafeReadableBytes { bytes in
                _ = try assembler.receive(bytes) { (kind, body) throws(WireError) in try read(kind, body) }
            }
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError("\(error)")
        }
    }

    private func read(_ kind: WorkerProtocol.Kind, _ body: UnsafeRawBufferPointer) throws(WireError) {
        switch kind {
        case .stepped: try stepped(body)
        case .call: try call(body)
        case .log: try log(body)
        default: throw WireError("a message of kind \(kind.rawValue)")
        }
    }

    private func stepped(_ body: UnsafeRawBufferPointer) throws(WireError) {
        let answer = try SteppedMessage(body)
        guard let operation = operations[answer.operation], operation.step != nil else {
            throw WireError("an answer to no step")
        }
        guard answeredSteps < sentSteps, operation.step == answeredSteps + 1 else {
            throw WireError("an answer before its turn")
        }
        // The worker's other sockets tell nothing here: what it sent before a call there may be read after it.
        guard !isCalling else { throw WireError("an answer within a call") }
        operation.step = nil
        answeredSteps += 1
        headway &+= 1
        lines = 0
        state.steps.add(1, ordering: .relaxed)
        state.meters.noteStep(nanoseconds: answer.nanoseconds)
        guard let driver = operation.driver else { return }
        guard !answer.wasRefused else {
            forget(operation)
            operation.detach()
            return driver.workerRefused(status: answer.status)
        }
        if body.count > Self.shortBytes { operation.isLarge = true }
        guard body.count > Self.heavyAnswerInBytes else {
            try answer.forEachCommand(&arrays) { driver.collector.receive($0) }
            return driver.workerStepped(status: answer.status)
        }
        driver.decode(Array(body), from: operation)
    }

    private func forget(_ operation: WorkerOperation) {
        guard operations.removeValue(forKey: operation.number) != nil else { return }
        state.operations.subtract(1, ordering: .relaxed)
    }

    private func call(_ body: UnsafeRawBufferPointer) throws(WireError) {
        let call = try CallMessage(body)
        guard !state.isWaitingForHost.exchange(true, ordering: .sequentiallyConsistent) else {
            throw WireError("a call within a call")
        }
        // It has read all of an answer before it asks again, so that no answers gather here.
        guard !isCalling else { throw WireError("a call before the answer to the last was taken") }
        isCalling = true
        guard call.isHeavy else { return give(state.services.answer(call)) }
        let (services, body) = (state.services, Array(body))
        let worked = WorkerThreads.signing.runIfActive(eventLoop: loop) { () throws -> OutgoingMessage in
            try body.withUnsafeBytes { services.answer(try CallMessage($0)) }
        }
        worked.assumeIsolated().whenComplete { outcome in
            switch outcome {
            case .success(let message): self.give(message)
            case .failure(let error): self.fail(.garbage("\(error)"))
            }
        }
    }

    /// Answers the worker's call, before the steps that wait behind it.
    private func give(_ answer: OutgoingMessage) {
        state.isWaitingForHost.store(false, ordering: .sequentiallyConsistent)
        outgoing.prepend(answer)
        pump()
    }

    private func log(_ body: UnsafeRawBufferPointer) throws(WireError) {
        lines += 1
        // Those of a step and those of what is freed after the one before.
        let most = 2 * LogMessage.maximumLines
        guard lines <= most else {
            if lines == most + 1 {
                state.logger.warning("a plugin logs too much; the rest is left out")
            }
            return
        }
        try LogMessage.read(body, &arrays) { state.services.log($0, $1, $2, $3) }
    }

    // MARK: The end

    /// Ends the worker for what it did, and its operations here at once.
    func fail(_ fault: WorkerFault) {
        state.kill(fault)
        close()
        end()
    }

    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        let lost = operations.values.sorted { $0.number < $1.number }
        // The oldest step under way is the one that it may have died of, if it ever got it.
        let suspect = lost.compactMap(\.step).min().flatMap { $0 <= sentSteps ? $0 : nil }
        operations = [:]
        state.operations.subtract(lost.count, ordering: .relaxed)
        outgoing.removeAll()
        sending = nil
        context = nil
        state.end()
        for operation in lost {
            let driver = operation.driver
            operation.detach()
            driver?.workerEnded(
                state.knownFault,
                owedAnswer: operation.step != nil,
                isSuspect: operation.step != nil && operation.step == suspect
            )
        }
    }

    // MARK: The watch

    private func startWatch() {
        guard !isWatching, !hasEnded else { return }
        isWatching = true
        look(in: TimeAmount(watch.interval))
    }

    private func look(in time: TimeAmount) {
        _ = loop.assumeIsolated().scheduleTask(in: time) { self.look() }
    }

    private func look() {
        guard lastStep > answeredSteps, !hasEnded else {
            isWatching = false
            watch.rest()
            return channelWatch.rest()
        }
        let computed = ProcessLook.computed(state.process.identifier)
        let isWaiting = state.isWaitingForHost.load(ordering: .sequentiallyConsistent)
        let (steps, now) = (state.steps.load(ordering: .relaxed), ContinuousClock.now)
        let found = watch.look(progress: steps, computed: computed, isWaitingForHost: isWaiting, at: now)
        let here = channelWatch.look(progress: headway, computed: computed, isWaitingForHost: isWaiting, at: now)
        if let fault = blame(found, watch.limit) ?? blame(here, channelWatch.limit) { return state.kill(fault) }
        look(in: TimeAmount(watch.interval))
    }

    /// What a watch with that limit has found the worker to do wrong.
    private func blame(_ finding: StepWatch.Finding, _ limit: Duration) -> WorkerFault? {
        switch finding {
        case .computesTooLong: .stepLimit(limit, "computed")
        case .doesNothing where ProcessLook.isAsleep(state.process.identifier):
            .stepLimit(limit * StepWatch.patience, "slept")
        case .fine, .doesNothing: nil
        }
    }
}
