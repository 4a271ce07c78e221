import Foundation
import GantryPlugin
import PluginHarness
import Synchronization
import Testing

@testable import VertexAIAdapter

/// A folder below `Fixtures`: what goes in and what has to come out.
struct Fixture: CustomTestStringConvertible, Sendable {
    let folder: URL

    var testDescription: String { folder.lastPathComponent }

    /// All fixtures of a kind; an empty list would be a test that tests nothing, so it traps.
    static func all(_ kind: String) -> [Fixture] {
        let root = Bundle.module.resourceURL?.appendingPathComponent("Fixtures/\(kind)")
        let names = root.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) } ?? []
        precondition(!names.isEmpty, "There are no fixtures of the kind \(kind).")
        return names.sorted().compactMap { name in root.map { Fixture(folder: $0.appendingPathComponent(name)) } }
    }

    func json(_ name: String) throws -> JSON {
        try JSON(parsing: Array(Data(contentsOf: folder.appendingPathComponent("\(name).json"))))
    }

    func optionalJSON(_ name: String) throws -> JSON? {
        let file = folder.appendingPathComponent("\(name).json")
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        return try json(name)
    }

    var references: [Reference] {
        get throws {
            try (optionalJSON("references")?.array ?? []).map { entry in
                Reference(
                    kind: .file,
                    range: 0..<0,
                    clientID: entry["client_id"]?.string ?? "",
                    upstreamID: entry["upstream_id"]?.string ?? "",
                    mimeType: entry["mime_type"]?.string ?? "",
                    filename: entry["filename"]?.string ?? ""
                )
            }
        }
    }
}

extension JSON {
    /// The value with the members of its objects in order of their names.
    var canonical: JSON {
        switch self {
        case .array(let elements): return .array(elements.map(\.canonical))
        case .object(let object):
            var sorted = JSONObject()
            for member in object.members.sorted(by: { $0.name < $1.name }) {
                sorted[member.name] = member.value.canonical
            }
            return .object(sorted)
        default: return self
        }
    }

    /// A document that the test wrote itself.
    init(text: String) throws {
        try self.init(parsing: Array(text.utf8))
    }

    var text: String { String(decoding: serialized(), as: UTF8.self) }
}

/// The deployments that tests run on.
enum Deployment {
    static let serviceAccount: JSON = [
        "type": "service_account", "project_id": "from-key", "private_key_id": "key-1",
        "private_key": ["secret": "s.private_key"], "client_email": "robot@p.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    ]
    static let authorizedUser: JSON = [
        "type": "authorized_user", "client_id": "a b", "client_secret": ["secret": "s.client_secret"],
        "refresh_token": ["secret": "s.refresh_token"], "quota_project_id": "payer",
    ]

    static func parameters(_ changes: JSON = [:]) -> JSON {
        var object: JSONObject = JSONObject()
        object["model"] = "gemini-2.0-flash"
        object["vertex_project"] = "my-project"
        object["vertex_credentials"] = serviceAccount
        object["gcs_bucket_name"] = "bucket"
        for member in changes.object?.members ?? [] {
            object[member.name] = member.value.isNull ? nil : member.value
        }
        return .object(object)
    }

    static func settings(_ changes: JSON = [:]) throws -> Settings {
        try Settings(parameters: parameters(changes))
    }

    /// An adapter with one deployment, which lives until the tests end: an operation needs it and does not keep it.
    static func harness(_ changes: JSON = [:]) throws -> PluginHarness<VertexAIAdapter> {
        let harness = try PluginHarness<VertexAIAdapter>(parameters: parameters(changes))
        kept.withLock { $0.append(Kept(harness: harness)) }
        return harness
    }

    private static let kept = Mutex<[Kept]>([])

    /// `@unchecked Sendable`: nobody takes the harness out again, it is held and nothing else.
    private struct Kept: @unchecked Sendable {
        let harness: PluginHarness<VertexAIAdapter>
    }
}

extension AnswerIdentity {
    static let fixed = AnswerIdentity(created: 1_795_305_600, model: "gemini", uniqueText: "u")
}
