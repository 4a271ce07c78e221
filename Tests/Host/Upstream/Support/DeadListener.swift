import Glibc
import Testing

/// An address that neither takes nor refuses connections: its queue is full, so the kernel drops what comes.
final class DeadListener: Sendable {
    private let sockets: [Int32]

    /// Takes a port that is free at an address of this machine, such as `127.0.0.2` or `::1`.
    init(address: String, port: Int) throws {
        var storage = sockaddr_storage()
        let length = try Self.fill(&storage, address, port)
        let family = Int32(storage.ss_family)
        let listener = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        try #require(listener >= 0)
        var sockets = [listener]
        let place = storage
        let call = { (body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) in
            withUnsafePointer(to: place) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
            }
        }
        try #require(call { bind(listener, $0, $1) } == 0)
        try #require(listen(listener, 0) == 0)
        for _ in 0..<4 {
            let client = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            try #require(client >= 0)
            sockets.append(client)
            _ = call { connect(client, $0, $1) }
        }
        self.sockets = sockets
    }

    deinit { for socket in sockets { close(socket) } }

    private static func fill(_ storage: inout sockaddr_storage, _ address: String, _ port: Int) throws -> socklen_t {
        var v4 = in_addr()
        if inet_pton(AF_INET, address, &v4) == 1 {
            let place = sockaddr_in(
                sin_family: sa_family_t(AF_INET),
                sin_port: in_port_t(port).bigEndian,
                sin_addr: v4,
                sin_zero: (0, 0, 0, 0, 0, 0, 0, 0)
            )
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: place, as: sockaddr_in.self) }
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        }
        var v6 = in6_addr()
        try #require(inet_pton(AF_INET6, address, &v6) == 1)
        let place = sockaddr_in6(
            sin6_family: sa_family_t(AF_INET6),
            sin6_port: in_port_t(port).bigEndian,
            sin6_flowinfo: 0,
            sin6_addr: v6,
            sin6_scope_id: 0
        )
        withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: place, as: sockaddr_in6.self) }
        return socklen_t(MemoryLayout<sockaddr_in6>.size)
    }
}
