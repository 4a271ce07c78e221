import GantryPlugin

/// What the body of a refusal says, in OpenAI's form or in one of those that others write.
struct ProviderError {
    private(set) var message: String?
    private(set) var parameter: String?
    private(set) var codes: [String] = []

    private static let mostDetails = 8

    /// Reads a body; one that is no JSON says nothing.
    init(_ body: [UInt8]) {
        let value: JSON
        do { value = try JSON(parsing: body) } catch { return }
        // Servers that speak OpenAI's format also write the members without `error`, or a text instead of them.
        let error = value["error"]?.object.map { JSON.object($0) } ?? value
        let texts = [error["message"], value["error"], value["detail"], value["message"]]
        message = texts.lazy.compactMap { $0.flatMap(Self.text) }.first
        parameter = error["param"]?.string
        codes = [error["code"]?.string, error["type"]?.string].compactMap { $0 }
    }

    /// Whether it has one of those codes.
    func has(_ codes: String...) -> Bool { self.codes.contains { codes.contains($0) } }

    /// A text, or what FastAPI writes: a list of what is wrong, each with its place; either may be wrapped in `detail`.
    private static func text(_ value: JSON) -> String? {
        if let text = value.string { return text.isEmpty ? nil : text }
        if let inner = value["detail"] ?? value["message"] ?? value["msg"] {
            if let text = inner.string { return text.isEmpty ? nil : text }
            return inner.array.flatMap(list)
        }
        return value.array.flatMap(list)
    }

    private static func list(_ details: [JSON]) -> String? {
        let lines = details.prefix(mostDetails).compactMap { detail -> String? in
            guard let text = (detail["msg"] ?? detail["message"] ?? detail).string, !text.isEmpty else { return nil }
            let place = detail["loc"]?.array?.compactMap { $0.string ?? $0.integer.map(String.init) } ?? []
            return place.isEmpty ? text : "\(place.joined(separator: ".")): \(text)"
        }
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }
}
