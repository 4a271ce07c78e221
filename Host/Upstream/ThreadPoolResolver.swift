import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Resolves names that strangers choose, on threads of its own.
///
/// NIO's resolver has one thread for each event loop: a name whose servers do not answer would hold up the next lookup
/// on that loop for as long, and with it the requests to providers.
package final class ThreadPoolResolver: Resolver, Sendable {
    /// As many names that hang hold up nobody else.
    ///
    /// Never stopped, so that they do not hold up the end of the process.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 64)
        pool.start()
        return pool
    }()

    private struct LookupFailure: Error, CustomStringConvertible {
        let description: String
    }

    private let loop: any EventLoop
    /// The one lookup for both families.
    private let lookup = Mutex<EventLoopFuture<[SocketAddress]>?>(nil)
    private let isCancelled = Atomic(false)

    /// Makes a resolver for one connection on a loop.
    package init(loop: any EventLoop) { self.loop = loop }

    package func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        found(host, port).map { $0.filter { $0.protocol == .inet } }
    }

    package func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        found(host, port).map { $0.filter { $0.protocol == .inet6 } }
    }

    /// What has not begun does not begin any more.
    package func cancelQueries() { isCancelled.store(true, ordering: .relaxed) }

    private func found(_ host: String, _ port: Int) -> EventLoopFuture<[SocketAddress]> {
        lookup.withLock { lookup in
            if let lookup { return lookup }
            let begun = Self.threads.runIfActive(eventLoop: loop) { [self] in
                guard !isCancelled.load(ordering: .relaxed) else { return [SocketAddress]() }
                return try Self.addresses(of: host, port)
            }
            lookup = begun
            return begun
        }
    }

    private static func addresses(of host: String, _ port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { throw LookupFailure(description: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee {
            if var address = entry.ai_addr.flatMap({ SocketAddress($0, family: entry.ai_family) }) {
                address.port = port
                found.append(address)
            }
            next = entry.ai_next
        }
        return found
    }
}

extension SocketAddress {
    /// The address of one of the two families of the internet; nil for another.
    fileprivate init?(_ address: UnsafeMutablePointer<sockaddr>, family: Int32) {
        switch family {
        case AF_INET:
            self.init(address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { $0.pointee })
        case AF_INET6:
            self.init(address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { $0.pointee })
        default: return nil
        }
    }
}
