import GantryPlugin

/// What a client asks of a fine-tuning, as far as Vertex AI has it.
struct TuningRequest {
    /// Vertex AI's `hyperParameters`; nil where it is to choose all of them.
    let hyperparameters: JSON?
    /// The name that the model is to be shown under.
    let suffix: String?

    /// Reads the operation's input.
    ///
    /// - Throws: `.invalid` or `.unsupported`, with the member's place.
    init(_ input: JSON) throws(Failure) {
        let node = RequestNode(root: input)
        if let seed = try node.optional("seed") {
            throw seed.unsupported("\(Wire.providerName) takes no seed for fine-tuning; leave 'seed' out.")
        }
        if let integrations = try node.optional("integrations"), try !integrations.elements().isEmpty {
            throw integrations.unsupported("\(Wire.providerName) reports to no integrations; leave them out.")
        }
        suffix = try node.optional("suffix").map { node throws(Failure) in
            let text = try node.string()
            guard (1...64).contains(text.count) else { throw node.invalid("'suffix' must have 1 to 64 characters.") }
            return text
        }
        var collected = JSONObject()
        if let old = try node.optional("hyperparameters") { try Self.read(old, into: &collected) }
        if let method = try node.optional("method") {
            let type = try method.required("type")
            guard try type.string() == "supervised" else {
                throw type.unsupported("\(Wire.providerName) deployments have the method 'supervised' only.")
            }
            try method.allow(["type", "supervised"])
            if let supervised = try method.optional("supervised") {
                try supervised.allow(["hyperparameters"])
                if let own = try supervised.optional("hyperparameters") { try Self.read(own, into: &collected) }
            }
        }
        hyperparameters = collected.count > 0 ? .object(collected) : nil
    }

    private static func read(_ node: RequestNode, into result: inout JSONObject) throws(Failure) {
        for member in try node.members() {
            let isAuto = member.node.value.string == "auto"
            switch member.name {
            case "n_epochs":
                guard !isAuto else { continue }
                let count = try member.node.integer()
                guard count >= 1 else { throw member.node.invalid("'n_epochs' must be at least 1, or 'auto'.") }
                // 64-bit numbers are strings in Google's JSON.
                result["epochCount"] = .string(String(count))
            case "learning_rate_multiplier":
                guard !isAuto else { continue }
                let number = try member.node.number()
                guard let value = number.double, value > 0 else {
                    throw member.node.invalid("'learning_rate_multiplier' must be more than 0, or 'auto'.")
                }
                result["learningRateMultiplier"] = number
            case "batch_size":
                guard isAuto else {
                    throw member.node.unsupported("\(Wire.providerName) chooses the batch size itself; use 'auto'.")
                }
            default: throw member.node.unknown()
            }
        }
    }
}
