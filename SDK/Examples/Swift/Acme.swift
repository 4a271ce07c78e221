import CGantryPlugin
import GantryPlugin

/// A whole adapter: chat at a provider that speaks OpenAI's wire format.
struct Acme: Adapter, AdapterTarget {
    static let description = PluginDescription(id: "acme", version: "1.0.0", operations: [.chat])

    init(configuration: JSON, host: Host) throws(Failure) { try configuration.refuseUnknown([], of: "acme") }
    func makeTarget(parameters: JSON) throws(Failure) -> Acme {
        try parameters.refuseUnknown(["model"], of: "acme")
        return self
    }

    func perform(_ operation: Operation) async throws(Failure) -> OperationResult {
        let headers = [
            Header("Content-Type", "application/json"), Header("Authorization", "Bearer ", secret: "acme_key"),
        ]
        let url = "https://api.acme.example/v1/chat/completions"
        let body = try operation.translatedInput()  // the client's request, its model and files named as Acme does
        let request = HTTPRequest(method: "POST", url: url, headers: headers, body: body, framing: .raw)
        let response = try await operation.send(request)
        guard (200..<300).contains(response.status) else {
            throw Failure(.upstreamUnavailable, "Acme did not answer.", upstreamStatus: response.status)
        }
        try await response.pipe()
        return .done
    }
}

// swift-format-ignore
@c @implementation public func gantry_plugin_entry_v1(_ hostMinor: UInt32) -> UnsafePointer<gantry_plugin>? {
    PluginEntry<Acme>.table(hostMinor: hostMinor)
}
