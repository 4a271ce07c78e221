import CGantryPlugin
import Glibc
import HostFunctions
import HostPluginABI

/// The services that a plugin is given in a worker.
///
/// Clock and random bytes are made here; the log, keys and the cache are the host's, who is asked over the socket of the
/// message that is worked on.
final class HostTable {
    private static let maximumRandomBytes = 1 << 20

    /// The socket of the message that is worked on.
    var socket: HostSocket
    /// What the manifest binds to hooks.
    var functions: FunctionTable?
    private var lines = 0
    private let table: UnsafeMutablePointer<gantry_host>
    private static let name: StaticString = "gantry"
    private static let version: StaticString = "1"

    init(socket: HostSocket) {
        self.socket = socket
        table = .allocate(capacity: 1)
        table.initialize(to: makeTable())
    }

    deinit { table.deallocate() }

    /// What a plugin gets; valid as long as this object.
    var pointer: UnsafePointer<gantry_host> { UnsafePointer(table) }

    /// A call into the plugin begins, for a message of that socket.
    func begin(on socket: HostSocket) {
        self.socket = socket
        lines = 0
    }

    private func makeTable() -> gantry_host {
        gantry_host(
            size: UInt32(MemoryLayout<gantry_host>.size),
            abi_minor: GANTRY_ABI_MINOR,
            ctx: Unmanaged.passUnretained(self).toOpaque(),
            name: Self.slice(Self.name),
            version: Self.slice(Self.version),
            log: { context, level, message, fields, count in
                HostTable.at(context)?.log(level, message, fields, count)
            },
            now_ms: { _ in HostTable.nowInMilliseconds },
            random: { _, out, count in HostTable.random(out, count) },
            sign: { context, algorithm, key, data, out, count in
                guard let table = HostTable.at(context), key.isWellFormed, data.isWellFormed, let count else {
                    return Status.invalid
                }
                let call = CallMessage(.sign, algorithm: algorithm, capacity: count.pointee, key: key, value: data)
                return table.ask(call, out, count)
            },
            cache_get: { context, key, out, count in
                guard let table = HostTable.at(context), key.isWellFormed, let count else { return Status.invalid }
                return table.ask(CallMessage(.cacheGet, capacity: count.pointee, key: key), out, count)
            },
            cache_put: { context, key, value, lifetime in
                guard let table = HostTable.at(context), key.isWellFormed, value.isWellFormed else {
                    return Status.invalid
                }
                var none = 0
                return table.ask(CallMessage(.cachePut, milliseconds: lifetime, key: key, value: value), nil, &none)
            },
            extension: { context, id in HostTable.at(context)?.extensionTable(id) }
        )
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> HostTable? {
        // The context is the object that made the table; the worker keeps it for ever.
        context.map { Unmanaged<HostTable>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func slice(_ text: StaticString) -> gantry_slice {
        gantry_slice(ptr: text.utf8Start, len: text.utf8CodeUnitCount)
    }

    private static var nowInMilliseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec) / 1_000_000
    }

    private static func random(_ out: UnsafeMutablePointer<UInt8>?, _ count: Int) -> gantry_status {
        guard let out, (0...maximumRandomBytes).contains(count) else { return Status.invalid }
        // No more than 256 bytes at a time, says getentropy(3).
        for start in stride(from: 0, to: count, by: 256) {
            guard getentropy(out + start, min(256, count - start)) == 0 else { return Status.internalError }
        }
        return Status.ok
    }

    private func log(
        _ level: UInt32,
        _ text: gantry_slice,
        _ fields: UnsafePointer<gantry_pair>?,
        _ count: Int
    ) {
        // A plugin that logs in a loop slows down nobody.
        guard lines < LogMessage.maximumLines,
            var message = LogMessage.message(level: level, text: text, fields: fields, count: count)
        else { return }
        lines += 1
        socket.send(&message)
    }

    private func ask(
        _ call: CallMessage,
        _ out: UnsafeMutablePointer<UInt8>?,
        _ count: UnsafeMutablePointer<Int>
    ) -> gantry_status {
        guard call.key.len + call.value.len <= CallMessage.maximumValueBytes else { return Status.limit }
        guard out != nil || call.capacity == 0 else { return Status.invalid }
        var message = call.message()
        socket.send(&message)
        return socket.answer { body throws(WireError) in
            let answer = try ReturnMessage(body, capacity: call.capacity)
            if call.function != .cachePut { count.pointee = answer.length }
            guard answer.status == Status.ok, let out else { return answer.status }
            UnsafeMutableRawPointer(out).copyMemory(from: answer.result)
            return answer.status
        }
    }

    /// Extensions that a worker has; none for now.
    private func extensionTable(_ id: UnsafePointer<CChar>?) -> UnsafeRawPointer? { functions?.extension(id) }
}

extension UnsafeMutableRawPointer {
    /// Copies bytes here, for which there is room.
    fileprivate func copyMemory(from bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        copyMemory(from: source, byteCount: bytes.count)
    }
}
