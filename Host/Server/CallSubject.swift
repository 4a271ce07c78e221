import Foundation
import HTTPTypes
import HostCore
import Hummingbird
import NIOCore
import NIOFoundationEssentialsCompat

extension Request {
    /// What `Content-Length` says, nil if there is none; one that no number can hold is as long as can be.
    var declaredLength: Int64? { headers[.contentLength].map { Int64($0) ?? .max } }
}

extension Call {
    /// The id of a file as it stands in the path.
    func fileID() throws -> String { try parameter("file_id") }

    /// A named part of the path.
    func parameter(_ name: String) throws -> String {
        try PathPart.decoded(try context.parameters.require(name), name: name)
    }

    /// The whole body, up to a limit.
    ///
    /// A body that says how long it is and is too long is refused before a byte of it is read.
    func body(limit: Int) async throws -> ByteBuffer {
        let refusal = GatewayError.bodyTooLarge(limit: limit)
        if let length = request.declaredLength, length > limit { throw refusal }
        do {
            return try await request.body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw refusal
        }
    }

    /// The body of a route whose every member counts, such as an administrator's.
    ///
    /// - Throws: ``GatewayError`` with 400 that names the member that is wrong.
    func decoded<Value: StrictBody>(_: Value.Type, limit: Int? = nil) async throws -> Value {
        let bytes = try await body(limit: limit ?? context.maxUploadSize)
        do {
            try Self.refuseUnknownMembers(of: bytes, known: Value.memberNames)
            return try JSONDecoder().decode(
                Value.self,
                from: bytes.readableBytes == 0 ? ByteBuffer(string: "{}") : bytes
            )
        } catch let error as DecodingError {
            throw GatewayError(.badRequest, parameter: error.path, message: error.explanation)
        }
    }
}

/// A body whose every member counts.
protocol StrictBody: Decodable {
    /// The members it understands; any other that says something is refused: what limits a key, or what somebody relies
    /// on, must not be dropped.
    static var memberNames: Set<String> { get }
}

extension Call {
    /// What LiteLLM's clients send along without a value.
    private static let emptyMembers: Set<String> = [
        "aliases", "allowed_cache_controls", "allowed_routes", "budget_duration", "budget_id", "config", "guardrails",
        "max_budget_in_team", "max_parallel_requests", "model_max_budget", "model_rpm_limit", "model_tpm_limit",
        "object_permission", "organization_id", "permissions", "prompts", "rpm_limit", "send_invite_email",
        "soft_budget", "spend", "sso_user_id", "tags", "teams", "tpm_limit", "user_email",
    ]

    private static func refuseUnknownMembers(of bytes: ByteBuffer, known: Set<String>) throws {
        guard bytes.readableBytes > 0 else { return }
        guard case .map(let members) = try JSONDecoder().decode(ConfigurationValue.self, from: bytes) else { return }
        let unknown = members.filter { name, value in
            !known.contains(name) && !(emptyMembers.contains(name) && value.saysNothing)
        }
        guard let unknown = unknown.keys.min() else { return }
        throw RuleError(
            .unsupported,
            "\(unknown) is not supported here. Supported are \(known.sorted().joined(separator: ", ")).",
            parameter: unknown
        )
    }
}

extension ConfigurationValue {
    /// Whether this is what a member is that nobody has set.
    fileprivate var saysNothing: Bool {
        switch self {
        case .null, .bool(false): true
        case .string(let text): text.isEmpty
        case .list(let items): items.isEmpty
        case .map(let members): members.isEmpty
        case .bool, .integer, .double: false
        }
    }
}

extension DecodingError {
    /// The member that is wrong, in dotted form; nil if the body is no JSON at all.
    fileprivate var path: String? {
        let (keys, last): ([any CodingKey], (any CodingKey)?) =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
                (context.codingPath, nil)
            case .keyNotFound(let key, let context): (context.codingPath, key)
            @unknown default: ([], nil)
            }
        let names = (keys + [last].compactMap { $0 }).map(\.stringValue)
        return names.isEmpty ? nil : names.joined(separator: ".")
    }

    fileprivate var explanation: String {
        let name = path ?? "the body"
        return switch self {
        case .typeMismatch(let type, _): "\(name) has the wrong type: \(Self.word(for: type)) is wanted."
        case .valueNotFound, .keyNotFound: "\(name) is missing."
        default: path == nil ? "The body is not a JSON object." : "\(name) is not valid."
        }
    }

    private static func word(for type: any Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is Int.Type, is Int64.Type, is Double.Type: "a number"
        case is [String].Type, is [Any].Type: "a list"
        default: "another kind of value"
        }
    }
}
