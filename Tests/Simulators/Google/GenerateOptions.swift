/// Rules of a `generateContent` request outside its contents.
struct GenerateOptions {
    let model: GeminiModel

    /// Checks a request that has its shape.
    ///
    /// - Throws: ``GoogleError`` 400, `INVALID_ARGUMENT`.
    func check(_ request: JSON) throws {
        try VertexLabels.check(request["labels"])
        try checkGeneration(request["generationConfig"] ?? [:])
        let names = try checkTools(request["tools"]?.array ?? [])
        let calling = request["toolConfig"]?["functionCallingConfig"]
        let mode = calling?["mode"]?.string ?? "AUTO"
        let allowed = calling?["allowedFunctionNames"]?.array?.compactMap(\.string) ?? []
        if mode == "ANY", names.isEmpty {
            throw GoogleError.invalid(
                "Function calling config is set without function_declarations."
            )
        }
        if !allowed.isEmpty, mode != "ANY", mode != "VALIDATED" {
            throw GoogleError.invalid(
                "Unable to submit request because allowed_function_names is set. allowed_function_names can only be set "
                    + "when the function calling mode is ANY."
            )
        }
        if let unknown = allowed.first(where: { !names.contains($0) }) {
            throw GoogleError.invalid("allowed_function_names contains '\(unknown)', which is not declared.")
        }
    }

    private func checkGeneration(_ config: JSON) throws {
        try check(config, "temperature", in: 0...2)
        try check(config, "topP", in: 0...1)
        try check(config, "candidateCount", in: 1...8)
        try check(config, "maxOutputTokens", in: 1...Double(model.mostOutputTokens))
        if let stops = config["stopSequences"]?.array, stops.count > 5 {
            throw GoogleError.invalid("Unable to submit request because it has more than 5 stopSequences.")
        }
        let type = config["responseMimeType"]?.string ?? "text/plain"
        guard ["text/plain", "application/json", "text/x.enum"].contains(type) else {
            throw GoogleError.invalid("Unable to submit request because responseMimeType '\(type)' is not supported.")
        }
        if type == "text/plain", config["responseSchema"] != nil || config["responseJsonSchema"] != nil {
            throw GoogleError.invalid(
                "Unable to submit request because responseSchema is set while responseMimeType is not application/json."
            )
        }
        if config["responseSchema"] != nil, config["responseJsonSchema"] != nil {
            throw GoogleError.invalid("Only one of responseSchema and responseJsonSchema may be set.")
        }
        if config["thinkingConfig"] != nil, !model.thinks {
            throw GoogleError.invalid("Unable to submit request because thinking is not supported by this model.")
        }
    }

    private func check(_ config: JSON, _ name: String, in range: ClosedRange<Double>) throws {
        guard let value = config[name]?.number, !range.contains(value) else { return }
        throw GoogleError.invalid(
            "Unable to submit request because it has a \(name) value of \(config[name]?.text ?? "") but the supported range "
                + "is from \(JSON.number(range.lowerBound).text) to \(JSON.number(range.upperBound).text). "
                + "Update the value and try again."
        )
    }

    private func checkTools(_ tools: [JSON]) throws -> Set<String> {
        var names: Set<String> = []
        for (index, tool) in tools.enumerated() {
            for (place, function) in (tool["functionDeclarations"]?.array ?? []).enumerated() {
                let path = "tools[\(index)].function_declarations[\(place)]"
                let name = function["name"]?.string ?? ""
                guard Self.isName(name) else {
                    throw GoogleError.invalid(
                        "Invalid function name at '\(path).name': must start with a letter or an underscore, and "
                            + "consist of letters, digits, underscores, dots and dashes, with a length of at most 64."
                    )
                }
                guard names.insert(name).inserted else {
                    throw GoogleError.invalid("Duplicate function declaration found: \(name)")
                }
                if function["parameters"] != nil, function["parametersJsonSchema"] != nil {
                    throw GoogleError.invalid(
                        "'\(path)': only one of parameters and parameters_json_schema may be set."
                    )
                }
                if let schema = function["parameters"] { try check(schema, at: "\(path).parameters", isTop: true) }
            }
        }
        return names
    }

    private func check(_ schema: JSON, at path: String, isTop: Bool) throws {
        let type = schema["type"]?.string?.uppercased()
        if isTop, type != "OBJECT" {
            throw GoogleError.invalid("'\(path)': the schema should be of type OBJECT.")
        }
        guard type != nil || schema["anyOf"] != nil || schema["ref"] != nil else {
            throw GoogleError.invalid("'\(path)': the schema didn't specify the schema type field.")
        }
        if type == "ARRAY" {
            guard let items = schema["items"] else { throw GoogleError.invalid("'\(path).items': missing field.") }
            try check(items, at: "\(path).items", isTop: false)
        }
        let properties = schema["properties"]?.object
        for member in properties?.members ?? [] {
            try check(member.value, at: "\(path).properties[\(member.key)]", isTop: false)
        }
        for name in schema["required"]?.array?.compactMap(\.string) ?? [] where properties?[name] == nil {
            throw GoogleError.invalid("'\(path).required': property '\(name)' is not defined.")
        }
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.first, first.isLetter || first == "_" else { return false }
        return name.count <= 64 && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) }
    }
}
