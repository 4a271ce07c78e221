import CGantryPlugin
import HostPluginABI

/// What a plugin in a worker asks of the host is answered by the same services.
extension HostServices: WorkerServices {
    /// Answers a call, with as much of the result as the plugin takes.
    func answer(_ call: CallMessage) -> OutgoingMessage {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(call.capacity, 1)) { out in
            var length = call.capacity
            let status =
                switch call.function {
                case .sign: sign(call.algorithm, call.key, call.value, out.baseAddress, &length)
                case .cacheGet: cacheGet(call.key, out.baseAddress, &length)
                case .cachePut: cachePut(call.key, call.value, call.milliseconds)
                }
            let written = status == Status.ok && call.function != .cachePut ? min(length, call.capacity) : 0
            let result = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(out)[..<written])
            return ReturnMessage(status: status, length: length, result: result).message()
        }
    }
}

extension CallMessage {
    /// Whether the answer takes longer to make than an event loop can spare.
    var isHeavy: Bool {
        guard function == .sign else { return false }
        return Int(algorithm) == GANTRY_ALG_RS256 || Int(algorithm) == GANTRY_ALG_ES256
            || value.len > OperationDriver.heavyStepInBytes
    }
}
