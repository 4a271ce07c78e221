import CGantryPlugin

/// The services of the host; each may be used inside any call that the host makes, and none waits for the network.
public struct Host: Sendable {
    /// How much a log message matters; the raw values are those of `GANTRY_LOG_*`.
    public enum LogLevel: UInt32, Sendable {
        /// Once a request.
        case debug = 0
        /// Starts, stops, loads.
        case info = 1
        /// It went on, worse.
        case warning = 2
        /// Someone must act.
        case error = 3
    }

    /// How to sign; the raw values are those of `GANTRY_ALG_*`.
    public enum SigningAlgorithm: UInt32, Sendable {
        /// HMAC with SHA-256 (RFC 2104).
        case hmacSHA256 = 2
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3).
        case rs256 = 3
        /// ECDSA with P-256 and SHA-256 (RFC 7518 §3.4).
        case es256 = 4
    }

    private let table: HostTable

    /// Reads the host's table; the members that an older host does not have are treated as missing.
    init(_ host: UnsafePointer<gantry_host>) { table = HostTable(host) }

    /// Writes a log message: a constant text, and what varies as fields.
    ///
    /// Neither holds a secret or a body, at any level.
    public func log(_ level: LogLevel, _ message: String, _ fields: [(String, String)] = []) {
        guard let log = table.value.log else { return }
        LentPairs.with(fields.map { Header($0.0, $0.1) }) { pairs in
            LentPairs.withSlice(of: message) {
                log(table.value.ctx, level.rawValue, $0, pairs.baseAddress, pairs.count)
            }
        }
    }

    /// Milliseconds since 1970, or 0 if the host has no clock.
    ///
    /// A conformance run may set it.
    public var nowMilliseconds: UInt64 { table.value.now_ms?(table.value.ctx) ?? 0 }

    /// Bytes that nobody can guess.
    /// - Throws: ``Failure`` with `.internalError` if the host cannot give them.
    public func random(count: Int) throws(Failure) -> [UInt8] {
        guard count > 0 else { return [] }
        var status = Status.unsupported
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.initialize(repeating: 0)
            initialized = count
            if let random = table.value.random { status = random(table.value.ctx, buffer.baseAddress, count) }
        }
        guard status == Status.ok else { throw refusal("random bytes", status) }
        return bytes
    }

    /// The SHA-256 digest: 32 bytes.
    /// - Throws: ``Failure`` with `.internalError` if the host cannot compute it.
    public func sha256(_ data: [UInt8]) throws(Failure) -> [UInt8] {
        try signature(algorithm: HostTable.sha256, key: "", data)
    }

    /// A MAC or signature with a key that the host holds; `key` is the name of a secret.
    /// - Throws: ``Failure`` with `.internalError` if the host does not know the key or the algorithm.
    public func sign(algorithm: SigningAlgorithm, key: String, _ data: [UInt8]) throws(Failure) -> [UInt8] {
        try signature(algorithm: algorithm.rawValue, key: key, data)
    }

    /// The value that this instance has put into its cache and that is neither expired nor evicted.
    public func cacheValue(for key: String) -> [UInt8]? {
        guard let get = table.value.cache_get else { return nil }
        let context = table.value.ctx
        var result: [UInt8]?
        LentPairs.withSlice(of: key) { key in
            result = HostTable.collect { output, length in get(context, key, output, length) }.bytes
        }
        return result
    }

    /// Puts a value into this instance's cache, which is small and lost at a restart.
    public func setCacheValue(_ value: [UInt8], for key: String, lifetimeMilliseconds: UInt64) {
        guard let put = table.value.cache_put else { return }
        LentPairs.withSlice(of: key) { key in
            LentPairs.withSlice(of: value) { value in
                // A cache may refuse; the value is then merely not there.
                _ = put(table.value.ctx, key, value, lifetimeMilliseconds)
            }
        }
    }

    /// The table of an extension of the ABI, asked for by an id such as `gantry.functions/1`; nil if the host has none.
    ///
    /// It is valid as long as the instance, and what it is the id says. ``functions`` is the typed way to that one.
    public func table(ofExtension id: String) -> UnsafeRawPointer? {
        table.value.extension?(table.value.ctx, id)
    }

    /// The C functions that the manifest binds to hooks; nil if it binds none.
    public var functions: HookFunctions? { HookFunctions(self) }

    private func signature(algorithm: UInt32, key: String, _ data: [UInt8]) throws(Failure) -> [UInt8] {
        guard let sign = table.value.sign else { throw refusal("signatures", Status.unsupported) }
        let context = table.value.ctx
        var result: (status: gantry_status, bytes: [UInt8]?) = (Status.internalError, nil)
        LentPairs.withSlice(of: key) { key in
            LentPairs.withSlice(of: data) { data in
                result = HostTable.collect { output, length in sign(context, algorithm, key, data, output, length) }
            }
        }
        guard let bytes = result.bytes else { throw refusal("a signature", result.status) }
        return bytes
    }

    private func refusal(_ what: String, _ status: gantry_status) -> Failure {
        Failure(.internalError, "The host did not give the plugin \(what) (status \(status)).")
    }
}

/// A copy of the host's table, so that the size written in it is looked at once.
///
/// `@unchecked Sendable`: the copy never changes, and the ABI allows the host's functions on any thread that is
/// inside a call of the host.
private final class HostTable: @unchecked Sendable {
    static let sha256: UInt32 = 1
    private static let longestResult = 64 * 1024

    let value: gantry_host

    init(_ host: UnsafePointer<gantry_host>) {
        value = LentStruct.copy(host, size: host.pointee.size, ends: Self.memberEnds, empty: gantry_host())
    }

    private static let memberEnds = [
        LentStruct.end(\gantry_host.ctx), LentStruct.end(\gantry_host.name), LentStruct.end(\gantry_host.version),
        LentStruct.end(\gantry_host.log), LentStruct.end(\gantry_host.now_ms), LentStruct.end(\gantry_host.random),
        LentStruct.end(\gantry_host.sign), LentStruct.end(\gantry_host.cache_get),
        LentStruct.end(\gantry_host.cache_put), LentStruct.end(\gantry_host.extension),
    ]

    /// Calls a function that writes into a buffer, with a larger buffer if the first is too small.
    static func collect(
        _ body: (_ output: UnsafeMutablePointer<UInt8>?, _ length: UnsafeMutablePointer<Int>) -> gantry_status
    ) -> (status: gantry_status, bytes: [UInt8]?) {
        var status = Status.ok
        for capacity in [1024, longestResult] {
            var length = capacity
            let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, initialized in
                buffer.initialize(repeating: 0)
                status = body(buffer.baseAddress, &length)
                initialized = status == Status.ok ? min(max(length, 0), capacity) : 0
            }
            if status == Status.ok { return (status, bytes) }
            guard length > capacity || status == Status.limit else { break }
        }
        return (status, nil)
    }
}
