import CGantryPlugin

@testable import HostPluginABI

/// Reads a message of any kind and looks at every byte that it lends.
enum WireProbe {
    static func read(_ kind: WorkerProtocol.Kind, _ body: UnsafeRawBufferPointer) throws(WireError) {
        var arrays = LentArrays()
        var sum = 0
        switch kind {
        case .step: sum = try StepMessage.read(body, &arrays) { _, event in description(of: event.pointee).count }
        case .stepped:
            var rules = EmissionRules()
            try SteppedMessage(body).forEachCommand(&arrays) { command in
                sum += description(of: command.pointee).count
                return rules.status(of: command)
            }
        case .free: _ = try FreeMessage.read(body)
        case .call:
            let call = try CallMessage(body)
            sum = description(of: call.key).count + description(of: call.value).count
        case .return: sum = Array(try ReturnMessage(body, capacity: 64).result).count
        case .log:
            try LogMessage.read(body, &arrays) { _, text, fields, count in
                sum = description(of: text).count + description(of: fields, count).count
            }
        case .load: sum = try LoadMessage(body).path.utf8.count
        case .facts: sum = try FactsMessage(body).description.count
        case .check: sum = try CheckMessage(body).parameters.count
        case .instance, .checked, .function, .result: sum = Array(try BytesMessage.read(body)).count
        case .target: sum = Array(try TargetMessage.read(body).parameters).count
        case .freeTarget: _ = try TargetMessage.readFree(body)
        case .seal, .done: try WireReader(body).end()
        case .sealed: _ = try SealedMessage(body)
        case .refused: sum = try RefusedMessage(body).message.utf8.count
        }
        precondition(sum >= 0)
    }
}
