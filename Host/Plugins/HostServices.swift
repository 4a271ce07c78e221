import CGantryPlugin
import Crypto
import CryptoExtras
import FoundationEssentials
import Glibc
import HostCore
import HostFunctions
import HostPluginABI
import Logging
import NIOCore
import Synchronization

/// What the host does for one instance of a plugin: log, clock, random bytes, signatures, a small cache.
///
/// The C table that leads here is made once and lives as long as this object, which lives as long as the instance.
final class HostServices: Sendable {
    private static let maximumCacheEntries = 256
    private static let maximumCacheBytes = 64 * 1024
    private static let maximumCacheKeyBytes = 1024
    private static let maximumKeys = 64

    private struct CacheEntry {
        let value: [UInt8]
        let expiresAtMilliseconds: UInt64
    }

    private let logger: Logger
    private let secrets: SecretStore
    /// What the manifest binds to hooks and names, if its library is in this process.
    let functions: FunctionTable?
    // By bytes: a key may be a digest, and two of those can read as the same repaired text.
    private let cache = Mutex<[[UInt8]: CacheEntry]>([:])
    private let rsaKeys = Mutex<[String: _RSA.Signing.PrivateKey]>([:])

    init(logger: Logger, secrets: SecretStore, functions: FunctionTable? = nil) {
        self.logger = logger
        self.functions = functions
        self.secrets = secrets
    }

    /// Makes the table that the plugin calls; `name` and `version` must outlive it.
    func makeTable(name: gantry_slice, version: gantry_slice) -> gantry_host {
        gantry_host(
            size: UInt32(MemoryLayout<gantry_host>.size),
            abi_minor: GANTRY_ABI_MINOR,
            ctx: Unmanaged.passUnretained(self).toOpaque(),
            name: name,
            version: version,
            log: { context, level, message, fields, count in
                HostServices.at(context)?.log(level, message, fields, count)
            },
            now_ms: { _ in HostServices.nowInMilliseconds },
            random: { _, out, count in HostServices.random(out, count) },
            sign: { context, algorithm, key, data, out, count in
                HostServices.at(context)?.sign(algorithm, key, data, out, count) ?? Status.invalid
            },
            cache_get: { context, key, out, count in
                HostServices.at(context)?.cacheGet(key, out, count) ?? Status.invalid
            },
            cache_put: { context, key, value, lifetime in
                HostServices.at(context)?.cachePut(key, value, lifetime) ?? Status.invalid
            },
            extension: { context, id in HostServices.at(context)?.functions?.extension(id) }
        )
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> HostServices? {
        // The context is the object that made the table; its instance keeps it.
        context.map { Unmanaged<HostServices>.fromOpaque($0).takeUnretainedValue() }
    }

    private static var nowInMilliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec) / 1_000_000
    }

    private static func random(_ out: UnsafeMutablePointer<UInt8>?, _ count: Int) -> gantry_status {
        guard let out, count >= 0, count <= 1 << 20 else { return Status.invalid }
        var generator = SystemRandomNumberGenerator()
        let buffer = UnsafeMutableRawBufferPointer(start: out, count: count)
        // Eight at a time: each call of the generator may be a system call.
        for start in stride(from: 0, to: count, by: 8) {
            withUnsafeBytes(of: generator.next()) { word in
                UnsafeMutableRawBufferPointer(rebasing: buffer[start...]).copyBytes(from: word.prefix(count - start))
            }
        }
        return Status.ok
    }

    func log(
        _ level: UInt32,
        _ message: gantry_slice,
        _ fields: UnsafePointer<gantry_pair>?,
        _ count: Int
    ) {
        guard message.isWellFormed, (0...LogMessage.maximumFields).contains(count) else { return }
        let levels: [Logger.Level] = [.debug, .info, .warning, .error]
        let level = Int(level) < levels.count ? levels[Int(level)] : .error
        guard logger.logLevel <= level else { return }
        // Masking is work for the event loop, so that it is the whole line that is bounded.
        var budget = LogMessage.Budget()
        let text = printable(message, &budget)
        var metadata: Logger.Metadata = [:]
        for index in 0..<count {
            guard let field = fields?[index], field.name.isWellFormed, field.value.isWellFormed else { return }
            guard budget.bytes > 0 else { continue }
            let name = printable(field.name, &budget)
            guard budget.bytes > 0 else { continue }
            let value = printable(field.value, &budget)
            metadata[name] = "\(value)"
        }
        logger.log(level: level, "\(text)", metadata: metadata)
    }

    /// Bounded, on one line, without the secrets that the host holds.
    private func printable(_ slice: gantry_slice, _ budget: inout LogMessage.Budget) -> String {
        let text = secrets.masked(String(lent: budget.take(slice)))
        // More is read than is kept: what takes all that there was may have been cut, here or in the worker, and its
        // end may be a secret's beginning.
        let uncertain = budget.bytes == 0 ? LogMessage.maximumTextBytes : 0
        let kept = min(LogMessage.maximumTextBytes, max(0, text.utf8.count - uncertain))
        let scalars = text.truncated(toBytes: kept).unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: " " as Character
            default: Character(scalar)
            }
        }
        return String(scalars)
    }

    func sign(
        _ algorithm: UInt32,
        _ key: gantry_slice,
        _ data: gantry_slice,
        _ out: UnsafeMutablePointer<UInt8>?,
        _ count: UnsafeMutablePointer<Int>?
    ) -> gantry_status {
        guard key.isWellFormed, data.isWellFormed else { return Status.invalid }
        let message = UnsafeRawBufferPointer(lent: data)
        do {
            switch Int(algorithm) {
            case GANTRY_ALG_SHA256: return copy(Array(SHA256.hash(data: message)), out, count)
            case GANTRY_ALG_HMAC_SHA256:
                guard let secret = secrets.signingKey(String(lent: key)) else { return Status.notFound }
                let code = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: Data(secret.utf8)))
                return copy(Array(code), out, count)
            case GANTRY_ALG_RS256:
                guard let key = try rsaKey(String(lent: key)) else { return Status.notFound }
                let signature = try key.signature(for: message, padding: .insecurePKCS1v1_5)
                return copy(Array(signature.rawRepresentation), out, count)
            case GANTRY_ALG_ES256:
                guard let secret = secrets.signingKey(String(lent: key)) else { return Status.notFound }
                let key = try P256.Signing.PrivateKey(pemRepresentation: secret)
                return copy(Array(try key.signature(for: message).rawRepresentation), out, count)
            default: return Status.unsupported
            }
        } catch {
            // The error's text could quote the key; which key it is says enough.
            logger.error("a signing key cannot be used", metadata: ["key.name": "\(String(lent: key))"])
            return Status.invalid
        }
    }

    private func rsaKey(_ name: String) throws -> _RSA.Signing.PrivateKey? {
        if let known = rsaKeys.withLock({ $0[name] }) { return known }
        guard let pem = secrets.signingKey(name) else { return nil }
        let key = try _RSA.Signing.PrivateKey(pemRepresentation: pem)
        rsaKeys.withLock { keys in
            // Those whose secrets have been dropped meanwhile.
            if keys.count >= Self.maximumKeys { keys = keys.filter { secrets.signingKey($0.key) != nil } }
            keys[name] = key
        }
        return key
    }

    func cacheGet(
        _ key: gantry_slice,
        _ out: UnsafeMutablePointer<UInt8>?,
        _ count: UnsafeMutablePointer<Int>?
    ) -> gantry_status {
        guard key.isWellFormed, key.len <= Self.maximumCacheKeyBytes else { return Status.invalid }
        let name = Array(UnsafeRawBufferPointer(lent: key))
        let entry = cache.withLock { $0[name] }
        guard let entry, entry.expiresAtMilliseconds > Self.nowInMilliseconds else { return Status.notFound }
        return copy(entry.value, out, count)
    }

    func cachePut(_ key: gantry_slice, _ value: gantry_slice, _ lifetime: UInt64) -> gantry_status {
        guard key.isWellFormed, value.isWellFormed, key.len <= Self.maximumCacheKeyBytes else { return Status.invalid }
        guard value.len <= Self.maximumCacheBytes else { return Status.limit }
        let now = Self.nowInMilliseconds
        let (expiry, overflow) = now.addingReportingOverflow(lifetime)
        let entry = CacheEntry(
            value: Array(UnsafeRawBufferPointer(lent: value)),
            expiresAtMilliseconds: overflow ? .max : expiry
        )
        let name = Array(UnsafeRawBufferPointer(lent: key))
        cache.withLock { cache in
            if cache.count >= Self.maximumCacheEntries, cache[name] == nil {
                cache = cache.filter { $0.value.expiresAtMilliseconds > now }
                if cache.count >= Self.maximumCacheEntries {
                    let soonest = cache.min { $0.value.expiresAtMilliseconds < $1.value.expiresAtMilliseconds }
                    if let soonest { cache[soonest.key] = nil }
                }
            }
            cache[name] = entry
        }
        return Status.ok
    }

    /// Writes a value into the caller's buffer; a buffer that is too small learns the length it needs.
    private func copy(
        _ value: [UInt8],
        _ out: UnsafeMutablePointer<UInt8>?,
        _ count: UnsafeMutablePointer<Int>?
    ) -> gantry_status {
        guard let count else { return Status.invalid }
        let capacity = count.pointee
        count.pointee = value.count
        guard capacity >= value.count else { return Status.limit }
        guard let out else { return value.isEmpty ? Status.ok : Status.invalid }
        for (index, byte) in value.enumerated() { out[index] = byte }
        return Status.ok
    }
}
