import FoundationEssentials
import HostCore
import HostRegistry
import Hummingbird
import NIOCore
import NIOFoundationEssentialsCompat

/// What a client asks of the list of its files.
///
/// Values stand in the query; OpenAI's SDKs up to 1.80 send `target_model_names` as a JSON body on the GET.
struct ListQuery: Sendable {
    private static let maximumBodyBytes = 64 * 1024
    private static let names: Set<String> = [
        "limit", "after", "order", "purpose", "target_model_names", "target_model_names[]", "custom_llm_provider",
    ]

    let limit: Int?
    let after: String?
    let order: FileListing.Order
    let purpose: FilePurpose?
    let targetNames: [String]

    /// Reads the request.
    init(_ call: Call) async throws {
        let query = try QueryParameters(call.request)
        for (name, _) in query.pairs where !Self.names.contains(name) {
            throw RuleError.invalid(name, "is not a parameter of this list")
        }
        for name in Self.names where !name.hasPrefix("target_model_names") && query.all(name).count > 1 {
            throw RuleError.invalid(name, "comes more than once")
        }
        limit = try query["limit"].map { text in
            guard let number = Int(text), (1...10_000).contains(number) else {
                throw RuleError.invalid("limit", "must be a whole number from 1 to 10000")
            }
            return number
        }
        order =
            try query["order"].map { text in
                guard let order = FileListing.Order(rawValue: text) else {
                    throw RuleError.invalid("order", "must be asc or desc")
                }
                return order
            } ?? .newestFirst
        purpose = try query["purpose"].map { text in
            guard let purpose = FilePurpose(rawValue: text) else {
                throw RuleError.invalid(
                    "purpose",
                    "is none of \(FilePurpose.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            return purpose
        }
        after = query["after"]
        let named = query.all("target_model_names") + query.all("target_model_names[]")
        targetNames = TargetNames.parse(named + (try await Self.namesInBody(call)))
    }

    private static func namesInBody(_ call: Call) async throws -> [String] {
        let body = try await call.body(limit: maximumBodyBytes)
        guard body.readableBytes > 0 else { return [] }
        do {
            return try JSONDecoder().decode(Body.self, from: body).names
        } catch {
            throw RuleError.invalid("target_model_names", "in the body must be text or a list of texts")
        }
    }

    private struct Body: Decodable {
        private enum CodingKeys: String, CodingKey {
            case names = "target_model_names"
        }

        let names: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            names = try container.decodeIfPresent(TextOrList.self, forKey: .names)?.texts ?? []
        }
    }
}
