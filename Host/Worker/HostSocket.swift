import Glibc
import HostPluginABI

/// One of the sockets that lead to the host.
final class HostSocket {
    /// How long the host may take to answer a call, or to take a packet.
    private static let patienceInMilliseconds: Int32 = 30_000
    /// So many messages may come in while the plugin waits for an answer.
    private static let maximumWaiting = 65_536

    /// A message that came in while another was worked on.
    struct Waiting {
        let kind: WorkerProtocol.Kind
        let body: [UInt8]
    }

    let descriptor: Int32
    private var assembler: MessageAssembler
    private let packet = UnsafeMutableRawBufferPointer.allocate(
        byteCount: WorkerProtocol.maximumPacketBytes + 1,
        alignment: 16
    )
    private var waiting: [Waiting] = []
    private var waitingBytes = 0
    private var taken = 0

    init(descriptor: Int32, maximumBytes: Int = WorkerProtocol.maximumMessageBytes) {
        self.descriptor = descriptor
        assembler = MessageAssembler(maximumBytes: maximumBytes)
    }

    deinit { packet.deallocate() }

    /// Whether a message waits that came in while another was worked on.
    var hasWaiting: Bool { taken < waiting.count }

    /// Whether a packet has come, or the socket's end.
    var hasPacket: Bool {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&poller, 1, 0) > 0
    }

    /// Takes one packet, which has come, and hands on the message if it is complete.
    func receive(_ handle: (WorkerProtocol.Kind, UnsafeRawBufferPointer) throws(WireError) -> Void) {
        do throws(WireError) {
            _ = try assembler.receive(receivePacket(into: packet), handle)
        } catch {
            WorkerExit.end(error)
        }
    }

    /// Waits for the answer to a call; other messages wait their turn.
    ///
    /// The message that is being worked on is complete, so that the packets from here on are those of whole messages.
    func answer<R>(_ read: (UnsafeRawBufferPointer) throws(WireError) -> R) -> R {
        let packet = UnsafeMutableRawBufferPointer.allocate(
            byteCount: WorkerProtocol.maximumPacketBytes + 1,
            alignment: 16
        )
        defer { packet.deallocate() }
        var assembler = MessageAssembler()
        while true {
            waitForPacket()
            do throws(WireError) {
                let answer = try assembler.receive(receivePacket(into: packet)) { kind, body throws(WireError) -> R? in
                    guard kind != .return else { return try read(body) }
                    try queue(Waiting(kind: kind, body: Array(body)))
                    return nil
                }
                if case .some(.some(let answer)) = answer { return answer }
            } catch {
                WorkerExit.end(error)
            }
        }
    }

    /// The next message that came in while another was worked on.
    func takeWaiting() -> Waiting? {
        guard hasWaiting else { return nil }
        let next = waiting[taken]
        waiting[taken] = Waiting(kind: next.kind, body: [])
        taken += 1
        waitingBytes -= next.body.count
        // Others may come in before the last is taken, so that it is not waited for.
        if taken * 2 >= waiting.count {
            waiting.removeFirst(taken)
            taken = 0
        }
        return next
    }

    /// Sends a message; waits until the host takes it.
    func send(_ message: inout OutgoingMessage) {
        for index in 0..<message.packetCount {
            message.withPacket(index) { packet in
                while true {
                    let sent = Glibc.send(descriptor, packet.baseAddress, packet.count, Int32(MSG_NOSIGNAL))
                    if sent == packet.count { return }
                    switch errno {
                    case EINTR: continue
                    // The socket has a time-out for sending, set by the host.
                    case EAGAIN: WorkerExit.end(WorkerProtocol.ExitCode.hostIsSilent, "the host takes no message")
                    default: WorkerExit.end(WorkerProtocol.ExitCode.hostIsGone)
                    }
                }
            }
        }
    }

    private func queue(_ message: Waiting) throws(WireError) {
        waitingBytes += message.body.count
        guard waiting.count - taken < Self.maximumWaiting, waitingBytes <= WorkerProtocol.maximumMessageBytes else {
            throw WireError("too much came in before the answer to a call")
        }
        waiting.append(message)
    }

    private func waitForPacket() {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = poll(&poller, 1, Self.patienceInMilliseconds)
            if ready > 0 { return }
            guard ready < 0, errno == EINTR else {
                WorkerExit.end(WorkerProtocol.ExitCode.hostIsSilent, "the host does not answer a call")
            }
        }
    }

    private func receivePacket(into buffer: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            // The host closes its sockets when it has no more use for the worker.
            if count == 0 { WorkerExit.end(WorkerProtocol.ExitCode.hostIsGone) }
            if count > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<count]) }
            guard errno == EINTR else { WorkerExit.end(WorkerProtocol.ExitCode.hostIsGone) }
        }
    }
}
