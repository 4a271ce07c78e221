import Foundation
import PostgreSQLServer

/// A port of 127.0.0.1 where connections are taken and nothing is ever said; closed with this object.
final class SilentServer {
    let port: Int
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listening = descriptor
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                guard bind(listening, generic, length) == 0, listen(listening, 16) == 0 else { return Int32(-1) }
                return getsockname(listening, generic, &length)
            }
        }
        guard status == 0 else { throw PostgreSQLServerError(description: "There is no free port on 127.0.0.1.") }
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
}
