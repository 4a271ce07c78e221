import HTTPTypes
import NIOCore

/// The metadata server of a virtual machine whose service account is the one named `metadata`.
struct MetadataServer {
    private static let account = "metadata"
    private static let scope = "https://www.googleapis.com/auth/cloud-platform"

    let accounts: GoogleAccounts
    let tokens: AccessTokens

    /// Answers `/computeMetadata/v1/…` and the ping of `/`.
    func reply(to request: Incoming) throws -> Reply {
        guard request.header("Metadata-Flavor") == "Google" || request.path == "/" else {
            return Self.text(
                "Your client does not have permission: Missing Metadata-Flavor:Google header.",
                status: 403
            )
        }
        guard request.method == .get else { return Self.text("Method not allowed.", status: 405) }
        let account = try accounts.account(Self.account)
        let path = request.path.split(separator: "/").joined(separator: "/")
        var reply: Reply
        switch path {
        case "", "computeMetadata", "computeMetadata/v1": reply = Self.text("computeMetadata/\n")
        case "computeMetadata/v1/project/project-id": reply = Self.text(account.project)
        case "computeMetadata/v1/universe/universe-domain": reply = Self.text("googleapis.com")
        case "computeMetadata/v1/instance/service-accounts/default/email": reply = Self.text(account.email)
        case "computeMetadata/v1/instance/service-accounts/default":
            reply = .json(["aliases": ["default"], "email": .string(account.email), "scopes": [.string(Self.scope)]])
        case "computeMetadata/v1/instance/service-accounts/default/token":
            let asked = request.query("scopes").map { $0.split(separator: ",").map(String.init) } ?? [Self.scope]
            guard AccessGrant.isKnown(asked) else { return Self.text("Unknown scope.", status: 400) }
            reply = TokenEndpoint.reply(token: try tokens.issue(account: account.name, scopes: asked))
        default: reply = Self.text("Not found.", status: 404)
        }
        reply.headers.set("Metadata-Flavor", "Google")
        return reply
    }

    private static func text(_ text: String, status: Int = 200) -> Reply {
        var reply = Reply(
            status: status,
            headers: [.contentType: "application/text", .server: "Metadata Server for VM"],
            body: .bytes(ByteBuffer(string: text))
        )
        reply.headers.set("Metadata-Flavor", "Google")
        return reply
    }
}
