import Foundation

/// Ends waits for a socket from another thread.
final class PostgreSQLStopSignal: Sendable {
    enum Event {
        case stop
        case input
        case timeout
    }

    private let reader: Int32
    private let writer: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        // Without a pipe, which a process lacks when it has no descriptors left, waits end at their deadlines alone.
        _ = pipe(&ends)
        for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reader = ends[0]
        writer = ends[1]
    }

    deinit {
        close(reader)
        close(writer)
    }

    var isRaised: Bool { wait(for: nil, until: .now) == .stop }

    /// Ends the wait of now and all that follow.
    func raise() {
        var byte: UInt8 = 1
        _ = write(writer, &byte, 1)
    }

    /// Waits for input, the signal, or a moment.
    func wait(for socket: Int32?, until end: ContinuousClock.Instant) -> Event {
        var descriptors = [pollfd(fd: reader, events: Int16(POLLIN), revents: 0)]
        if let socket { descriptors.append(pollfd(fd: socket, events: Int16(POLLIN), revents: 0)) }
        let left = ContinuousClock.now.duration(to: end)
        let count = poll(&descriptors, nfds_t(descriptors.count), left > .zero ? Int32(clamping: left.milliseconds) : 0)
        if count <= 0 { return .timeout }
        return descriptors[0].revents != 0 ? .stop : .input
    }
}
