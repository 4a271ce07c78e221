import Glibc

/// Wakes a thread that waits in `poll`.
final class Bell: Sendable {
    enum Call: UInt8 {
        case look = 1
        case end
    }

    /// Readable when it has been rung.
    let descriptor: Int32
    private let input: Int32

    init() throws(WatchError) {
        var ends: [Int32] = [-1, -1]
        let kind = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        guard socketpair(AF_UNIX, Int32(kind), 0, &ends) == 0 else {
            throw WatchError("there are no descriptors for it: \(String(cString: strerror(errno)))")
        }
        (descriptor, input) = (ends[0], ends[1])
    }

    deinit {
        close(descriptor)
        close(input)
    }

    /// Rings it.
    func ring(_ call: Call) {
        var byte = call.rawValue
        // A socket that is full has been rung often enough: only an end must not be lost, and there is one of it.
        while write(input, &byte, 1) < 0, errno == EINTR {}
    }

    /// What it was rung for since the last time.
    func answer() -> (looks: Bool, ends: Bool) {
        var calls = [UInt8](repeating: 0, count: 4096)
        var answer = (looks: false, ends: false)
        while true {
            let count = read(descriptor, &calls, calls.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return answer }
            answer.looks = answer.looks || calls[..<count].contains(Call.look.rawValue)
            answer.ends = answer.ends || calls[..<count].contains(Call.end.rawValue)
        }
    }
}
