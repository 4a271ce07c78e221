import CGantryPlugin
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What one operation sees of the host: its time, its random bytes and its cache are its own, so that operations that
/// run side by side are as predictable as one that runs alone.
final class OperationServices {
    static let start: UInt64 = 1_795_305_600_000
    var nowInMilliseconds = OperationServices.start
    private var seed: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var cache: [[UInt8]: [UInt8]] = [:]

    func nextRandomByte() -> UInt8 {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: seed >> 56)
    }

    func cached(_ key: [UInt8]) -> [UInt8]? { cache[key] }

    func put(_ value: [UInt8], for key: [UInt8]) { cache[key] = value }
}

/// The call that the host makes on this thread.
enum CurrentCall {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// The services of the operation that is entered on this thread; nil outside of a call.
    static var services: OperationServices? {
        pthread_getspecific(key).map { Unmanaged<OperationServices>.fromOpaque($0).takeUnretainedValue() }
    }

    static func enter<R>(_ services: OperationServices, _ body: () -> R) -> R {
        pthread_setspecific(key, Unmanaged.passUnretained(services).toOpaque())
        defer { pthread_setspecific(key, nil) }
        return withExtendedLifetime(services, body)
    }
}

/// A host whose time, randomness and signatures are made up, and always the same.
final class VirtualHost: Sendable {
    private let faults = Mutex<[String]>([])

    /// What the plugin did that no host allows, in order.
    var violations: [String] { faults.withLock { $0 } }

    /// The table to lend; the texts in it are static.
    var table: gantry_host {
        var table = gantry_host()
        table.size = UInt32(MemoryLayout<gantry_host>.size)
        table.abi_minor = GANTRY_ABI_MINOR
        table.ctx = Unmanaged.passUnretained(self).toOpaque()
        table.name = Self.name
        table.version = Self.version
        table.log = { context, level, message, fields, count in
            VirtualHost.from(context, "log")?.log(level, message, fields, count)
        }
        table.now_ms = { VirtualHost.from($0, "now_ms")?.services?.nowInMilliseconds ?? OperationServices.start }
        table.random = { VirtualHost.from($0, "random")?.random($1, $2) ?? -2 }
        table.sign = { VirtualHost.from($0, "sign")?.sign($1, $2, $3, $4, $5) ?? -2 }
        table.cache_get = { VirtualHost.from($0, "cache_get")?.cacheGet($1, $2, $3) ?? -2 }
        table.cache_put = { context, key, value, _ in
            VirtualHost.from(context, "cache_put")?.cachePut(key, value) ?? -2
        }
        table.extension = { _, _ in nil }
        return table
    }

    private static var name: gantry_slice { text("gantry-check") }
    private static var version: gantry_slice { text("1") }

    private static func text(_ text: StaticString) -> gantry_slice {
        gantry_slice(ptr: text.utf8Start, len: text.utf8CodeUnitCount)
    }

    /// The host behind a table's context; a call that comes while the host makes none is noted.
    private static func from(_ context: UnsafeMutableRawPointer?, _ function: String) -> VirtualHost? {
        guard let context else { return nil }
        let host = Unmanaged<VirtualHost>.fromOpaque(context).takeUnretainedValue()
        if CurrentCall.services == nil { host.note("calls `\(function)` while the host calls nothing on that thread") }
        return host
    }

    private var services: OperationServices? { CurrentCall.services }

    func note(_ violation: String) { faults.withLock { if $0.count < 32 { $0.append(violation) } } }

    private func bytes(_ slice: gantry_slice, _ what: String) -> [UInt8] {
        guard slice.len >= 0, slice.len <= 1 << 32, slice.ptr != nil || slice.len == 0 else {
            note("passes a malformed \(what)")
            return []
        }
        return Array(UnsafeBufferPointer(start: slice.ptr, count: slice.len))
    }

    private func log(_ level: UInt32, _ message: gantry_slice, _ fields: UnsafePointer<gantry_pair>?, _ count: Int) {
        if level > UInt32(GANTRY_LOG_ERROR) { note("logs at the unknown level \(level)") }
        _ = bytes(message, "message to `log`")
        guard (0...32).contains(count), fields != nil || count == 0 else { return note("logs \(count) fields") }
        for index in 0..<count {
            guard let field = fields?[index] else { return }
            _ = bytes(field.name, "field to `log`")
            _ = bytes(field.value, "field to `log`")
        }
    }

    private func random(_ out: UnsafeMutablePointer<UInt8>?, _ count: Int) -> gantry_status {
        guard let out, (0...(1 << 20)).contains(count) else { return gantry_status(GANTRY_E_INVALID) }
        for index in 0..<count { out[index] = services?.nextRandomByte() ?? 0 }
        return 0
    }

    /// Digests and signatures have the right lengths, and depend on what is signed.
    private func sign(
        _ algorithm: UInt32,
        _ key: gantry_slice,
        _ data: gantry_slice,
        _ out: UnsafeMutablePointer<UInt8>?,
        _ count: UnsafeMutablePointer<Int>?
    ) -> gantry_status {
        let lengths: [UInt32: Int] = [
            UInt32(GANTRY_ALG_SHA256): 32, UInt32(GANTRY_ALG_HMAC_SHA256): 32, UInt32(GANTRY_ALG_RS256): 256,
            UInt32(GANTRY_ALG_ES256): 64,
        ]
        guard let length = lengths[algorithm] else { return gantry_status(GANTRY_E_UNSUPPORTED) }
        let message = bytes(key, "key to `sign`") + bytes(data, "data to `sign`")
        var hash = message.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let signature = (0..<length).map { _ in
            hash = hash &* 6_364_136_223_846_793_005 &+ 1
            return UInt8(truncatingIfNeeded: hash >> 56)
        }
        return write(signature, out, count)
    }

    private func cacheGet(
        _ key: gantry_slice,
        _ out: UnsafeMutablePointer<UInt8>?,
        _ count: UnsafeMutablePointer<Int>?
    ) -> gantry_status {
        guard let value = services?.cached(bytes(key, "key to `cache_get`")) else {
            return gantry_status(GANTRY_E_NOTFOUND)
        }
        return write(value, out, count)
    }

    private func cachePut(_ key: gantry_slice, _ value: gantry_slice) -> gantry_status {
        let value = bytes(value, "value to `cache_put`")
        guard value.count <= 64 * 1024 else { return gantry_status(GANTRY_E_LIMIT) }
        services?.put(value, for: bytes(key, "key to `cache_put`"))
        return 0
    }

    private func write(
        _ bytes: [UInt8],
        _ out: UnsafeMutablePointer<UInt8>?,
        _ count: UnsafeMutablePointer<Int>?
    ) -> gantry_status {
        guard let count else { return gantry_status(GANTRY_E_INVALID) }
        let capacity = count.pointee
        count.pointee = bytes.count
        guard capacity >= bytes.count else { return gantry_status(GANTRY_E_LIMIT) }
        guard let out else { return bytes.isEmpty ? 0 : gantry_status(GANTRY_E_INVALID) }
        for (index, byte) in bytes.enumerated() { out[index] = byte }
        return 0
    }
}
