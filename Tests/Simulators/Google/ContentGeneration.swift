import Foundation
import HTTPTypes
import NIOCore

/// Answers `:generateContent` and `:streamGenerateContent` of publisher models and of endpoints with tuned ones.
struct ContentGeneration {
    private static let bodyLimit = 160 * 1024 * 1024

    let storage: CloudStorage
    /// Where tuned models come from; nil where none can be asked.
    let jobs: VertexJobs?
    let grant: AccessGrant
    let clock: SimulatedClock

    /// Answers a request below a project's location.
    func reply(to request: Incoming, location: String) async throws -> Reply {
        let rest = request.segments.dropFirst(5).map(\.self)
        let isEndpoint = rest.count == 2 && rest[0] == "endpoints"
        guard isEndpoint || (rest.count == 4 && rest.starts(with: ["publishers", "google", "models"])),
            let last = rest.last, let colon = last.lastIndex(of: ":")
        else { throw VertexRoutes.unknownPath(request) }
        let (name, method) = (String(last[..<colon]), String(last[colon...].dropFirst()))
        guard request.method == .post, ["generateContent", "streamGenerateContent"].contains(method) else {
            throw GoogleError.rpc(404, "NOT_FOUND", "The method \(method) was not found.")
        }
        for field in request.query where !["alt", "$alt", "prettyPrint", "fields", "key"].contains(field.name) {
            throw GoogleError.invalid(
                "Invalid JSON payload received. Unknown name \"\(field.name)\": Cannot bind query parameter."
            )
        }
        let model = try isEndpoint ? tunedModel(name, location: location) : model(name, location: location)
        let writer = try writer(for: try await body(of: request), model: model)
        guard method == "streamGenerateContent" else { return .json(writer.response) }
        return Self.stream(writer.events, isServerSentEvents: (request.query("alt") ?? request.query("$alt")) == "sse")
    }

    /// The answer to a request of a batch.
    func response(to request: JSON, model: GeminiModel) throws -> JSON {
        let body = try ShapeReader(acceptsSnakeCase: true).read(request, as: GenerateShape.request, at: "request")
        return try writer(for: body, model: model).response
    }

    private func writer(for body: JSON, model: GeminiModel) throws -> GenerationWriter {
        let answer = try GenerateContents(storage: storage, grant: grant).answer(to: body, model: model.name)
        try GenerateOptions(model: model).check(body)
        return GenerationWriter(
            model: model,
            request: body,
            answer: answer,
            createdAt: clock.unixSeconds,
            responseID: RandomName.alphanumeric(22)
        )
    }

    private func model(_ name: String, location: String) throws -> GeminiModel {
        if let model = GeminiModel.named(name) { return model }
        let resource = "projects/\(grant.project)/locations/\(location)/publishers/google/models/\(name)"
        let message =
            "Publisher Model `\(resource)` was not found or your project does not have access to it. Please "
            + "ensure you are using a valid model version."
        throw GoogleError.rpc(404, "NOT_FOUND", message)
    }

    private func tunedModel(_ name: String, location: String) throws -> GeminiModel {
        if let model = try jobs?.tunedModel(endpoint: name, of: grant.account, in: location) { return model }
        let resource = "projects/\(grant.project)/locations/\(location)/endpoints/\(name)"
        throw GoogleError.rpc(404, "NOT_FOUND", "Endpoint `\(resource)` not found.")
    }

    private func body(of request: Incoming) async throws -> JSON {
        guard request.mediaType == "application/json" else {
            throw GoogleError.invalid("Invalid Content-Type: expected application/json.")
        }
        let json = try JSONParser.parse(try await request.body(upTo: Self.bodyLimit).readableBytesView)
        return try ShapeReader(acceptsSnakeCase: true).read(json, as: GenerateShape.request)
    }

    /// With `alt=sse` events, else one JSON array that is sent element by element.
    private static func stream(_ events: [JSON], isServerSentEvents: Bool) -> Reply {
        guard !isServerSentEvents else {
            return .events(events.map { ByteBuffer(string: "data: \($0.text)\r\n\r\n") })
        }
        var pieces = events.enumerated().map { ByteBuffer(string: ($0 == 0 ? "[" : ",\r\n") + $1.text) }
        pieces.append(ByteBuffer(string: "]"))
        let headers: HTTPFields = [.contentType: "application/json; charset=UTF-8"]
        return Reply(status: 200, headers: headers, body: .events(pieces))
    }
}
