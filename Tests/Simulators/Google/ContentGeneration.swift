import Foundation
import HTTPTypes
import NIOCore

/// Answers `POST /v1/projects/…/models/{m}:generateContent`, and `:streamGenerateContent`.
struct ContentGeneration {
    private static let bodyLimit = 160 * 1024 * 1024

    let storage: CloudStorage
    let grant: AccessGrant
    let clock: SimulatedClock

    func reply(to request: Incoming) async throws -> Reply {
        let segments = request.segments
        guard segments.count == 9, segments[1] == "projects", segments[3] == "locations", segments[5] == "publishers",
            segments[6] == "google", segments[7] == "models", let colon = segments[8].lastIndex(of: ":")
        else {
            throw GoogleError.rpc(404, "NOT_FOUND", "The requested URL \(request.path) was not found on this server.")
        }
        let (name, method) = (String(segments[8][..<colon]), String(segments[8][colon...].dropFirst()))
        guard request.method == .post, ["generateContent", "streamGenerateContent"].contains(method) else {
            throw GoogleError.rpc(404, "NOT_FOUND", "The method \(method) was not found.")
        }
        for field in request.query where !["alt", "$alt", "prettyPrint", "fields", "key"].contains(field.name) {
            throw GoogleError.invalid(
                "Invalid JSON payload received. Unknown name \"\(field.name)\": Cannot bind query parameter."
            )
        }
        let model = try model(name, project: segments[2], location: segments[4])
        let body = try await body(of: request)
        let answer = try GenerateContents(storage: storage, grant: grant).answer(to: body, model: model.name)
        try GenerateOptions(model: model).check(body)
        let writer = GenerationWriter(
            model: model,
            request: body,
            answer: answer,
            createdAt: clock.unixSeconds,
            responseID: RandomName.alphanumeric(22)
        )
        guard method == "streamGenerateContent" else { return .json(writer.response) }
        return Self.stream(writer.events, isServerSentEvents: (request.query("alt") ?? request.query("$alt")) == "sse")
    }

    private func model(_ name: String, project: String, location: String) throws -> GeminiModel {
        let resource = "projects/\(project)/locations/\(location)/publishers/google/models/\(name)"
        guard project == grant.project else {
            let message =
                "Permission 'aiplatform.endpoints.predict' denied on resource "
                + "'//aiplatform.googleapis.com/\(resource)' (or it may not exist)."
            throw GoogleError.rpc(403, "PERMISSION_DENIED", message)
        }
        guard location == "global" || location.wholeMatch(of: /[a-z]+-[a-z]+[0-9]+/) != nil else {
            throw GoogleError.invalid("Unsupported region for Vertex AI, select from the supported regions.")
        }
        guard let model = GeminiModel.named(name) else {
            let message =
                "Publisher Model `\(resource)` was not found or your project does not have access to it. Please "
                + "ensure you are using a valid model version."
            throw GoogleError.rpc(404, "NOT_FOUND", message)
        }
        return model
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
