import CGantryPlugin
import GantryPlugin

/// A host's services, without randomness and without time.
///
/// Digests and signatures are not real unless a test replaces them.
package final class FakeHost {
    /// What `now_ms` answers.
    package var nowMilliseconds: UInt64 = 1_795_305_600_000
    /// What the plugin has logged: messages and fields, in order.
    package private(set) var log: [(level: UInt32, message: String, fields: [(String, String)])] = []
    /// What the plugin keeps in its cache.
    package var cache: [String: [UInt8]] = [:]
    /// The status of `random`; set it to something else to have no randomness.
    package var randomStatus: Int32 = 0
    /// Digests and signs; the algorithm is a `GANTRY_ALG_*`, the key a secret's name, and nil makes the call fail.
    package var sign: (_ algorithm: UInt32, _ key: String, _ data: [UInt8]) -> [UInt8]? = { algorithm, key, data in
        let seed = UInt8(truncatingIfNeeded: data.reduce(Int(algorithm) + key.utf8.count) { $0 &* 31 &+ Int($1) })
        return (0..<32).map { seed &+ $0 }
    }

    /// The functions of hooks by `GANTRY_HOOK_*`; an adapter sees those that are there when it is made.
    package var hooks: [UInt32: (_ inputs: [HookInput]) -> HookAnswer] = [:]

    /// The table, valid as long as this object.
    package let pointer: UnsafePointer<gantry_host>

    private let memory: UnsafeMutablePointer<gantry_host>
    private let functions: UnsafeMutablePointer<gantry_functions>
    private var randomByte: UInt8 = 0

    /// Makes a host; `size` is how much of the table it claims to know.
    package init(size: Int = MemoryLayout<gantry_host>.size) {
        memory = .allocate(capacity: 1)
        memory.initialize(to: gantry_host())
        functions = .allocate(capacity: 1)
        functions.initialize(to: gantry_functions())
        pointer = UnsafePointer(memory)
        memory.pointee.size = UInt32(clamping: size)
        memory.pointee.ctx = Unmanaged.passUnretained(self).toOpaque()
        setLog()
        setClockAndRandom()
        setSign()
        setCache()
        setFunctions()
    }

    deinit {
        memory.deallocate()
        functions.deallocate()
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> FakeHost? {
        context.map { Unmanaged<FakeHost>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func bytes(_ slice: gantry_slice) -> [UInt8] {
        Array(UnsafeBufferPointer(start: slice.ptr, count: slice.len))
    }

    private static func text(_ slice: gantry_slice) -> String { String(decoding: bytes(slice), as: UTF8.self) }

    private static func write(
        _ bytes: [UInt8]?,
        _ output: UnsafeMutablePointer<UInt8>?,
        _ length: UnsafeMutablePointer<Int>?
    ) -> gantry_status {
        guard let bytes else { return -6 }
        guard let output, let length else { return -2 }
        let capacity = length.pointee
        length.pointee = bytes.count
        guard bytes.count <= capacity else { return -5 }
        _ = UnsafeMutableBufferPointer(start: output, count: bytes.count).update(from: bytes)
        return 0
    }

    private func setLog() {
        memory.pointee.log = { context, level, message, fields, count in
            let fields = UnsafeBufferPointer(start: fields, count: count).map {
                (FakeHost.text($0.name), FakeHost.text($0.value))
            }
            FakeHost.from(context)?.log.append((level, FakeHost.text(message), fields))
        }
    }

    private func setClockAndRandom() {
        memory.pointee.now_ms = { FakeHost.from($0)?.nowMilliseconds ?? 0 }
        memory.pointee.random = { context, output, length in
            guard let host = FakeHost.from(context), let output else { return -2 }
            for index in 0..<length {
                output[index] = host.randomByte
                host.randomByte &+= 1
            }
            return host.randomStatus
        }
    }

    private func setSign() {
        memory.pointee.sign = { context, algorithm, key, data, output, length in
            let result = FakeHost.from(context)?.sign(algorithm, FakeHost.text(key), FakeHost.bytes(data))
            return FakeHost.write(result, output, length)
        }
    }

    private func setCache() {
        memory.pointee.cache_get = { context, key, output, length in
            FakeHost.write(FakeHost.from(context)?.cache[FakeHost.text(key)], output, length)
        }
        memory.pointee.cache_put = { context, key, value, _ in
            FakeHost.from(context)?.cache[FakeHost.text(key)] = FakeHost.bytes(value)
            return 0
        }
    }

    private func setFunctions() {
        functions.pointee.size = UInt32(clamping: MemoryLayout<gantry_functions>.size)
        functions.pointee.ctx = memory.pointee.ctx
        functions.pointee.call = { context, hook, inputs, count, sink in
            guard let function = FakeHost.from(context)?.hooks[hook], let sink else { return -6 }
            let inputs = UnsafeBufferPointer(start: inputs, count: count).map {
                HookInput(bytes: FakeHost.bytes($0.bytes), number: $0.number)
            }
            let answer = function(inputs)
            answer.bytes.withUnsafeBufferPointer { bytes in
                var value = gantry_value(bytes: gantry_slice(), number: answer.number)
                value.bytes = gantry_slice(ptr: bytes.baseAddress, len: bytes.count)
                sink.pointee.emit?(sink.pointee.ctx, &value)
            }
            return answer.status
        }
        memory.pointee.extension = { context, id in
            guard let host = FakeHost.from(context), !host.hooks.isEmpty, let id,
                String(cString: id) == GANTRY_FUNCTIONS_EXTENSION
            else { return nil }
            host.functions.pointee.hooks = host.hooks.keys.reduce(0) { $0 | 1 << UInt64($1) }
            return UnsafeRawPointer(host.functions)
        }
    }
}

/// One input of a hook.
package struct HookInput: Equatable, Sendable {
    /// The bytes of a text or a body.
    package var bytes: [UInt8]
    /// A number.
    package var number: Int64

    /// The bytes as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// What the function of a hook gives, or why it has failed.
package struct HookAnswer: Sendable {
    /// `GANTRY_OK` or `GANTRY_E_*`.
    package var status: Int32
    /// The result, or the message of a failure.
    package var bytes: [UInt8]
    /// The count.
    package var number: Int64

    /// Makes an answer.
    package init(_ text: String = "", number: Int64 = 0, status: Int32 = 0) {
        bytes = Array(text.utf8)
        self.number = number
        self.status = status
    }
}
