import GantryPlugin

/// Where a deployment's access tokens come from.
enum CredentialSource: Sendable {
    case serviceAccount(ServiceAccount)
    case authorizedUser(AuthorizedUser)
    /// The metadata server of the machine; its scheme and authority.
    case metadataServer(String)

    struct ServiceAccount: Sendable {
        let email: String
        let keyID: String?
        /// The name under which the host holds the private key.
        let keyName: String
        let tokenURL: String
        let projectID: String?
    }

    struct AuthorizedUser: Sendable {
        let clientID: String
        /// The names under which the host holds the secrets.
        let clientSecretName: String
        let refreshTokenName: String
        let tokenURL: String
        let projectID: String?
        let quotaProjectID: String?
    }

    var projectID: String? {
        switch self {
        case .serviceAccount(let account): account.projectID
        case .authorizedUser(let user): user.projectID
        case .metadataServer: nil
        }
    }

    /// The project that pays for a person's calls; Google wants its name in a header.
    var quotaProjectID: String? {
        guard case .authorizedUser(let user) = self else { return nil }
        return user.quotaProjectID
    }

    var isMetadataServer: Bool {
        guard case .metadataServer = self else { return false }
        return true
    }
}

extension CredentialSource {
    /// Reads a credentials document in which the host has replaced the secrets by their names.
    ///
    /// - Parameters:
    ///   - document: As `gcloud` and the console write it; nil for the metadata server.
    ///   - metadataOrigin: Scheme and authority of the metadata server.
    /// - Throws: `.invalid`, without a word of what stands in the document.
    init(document: JSON?, metadataOrigin: String) throws(Failure) {
        guard let document, !document.isNull else {
            self = .metadataServer(metadataOrigin)
            return
        }
        let reader = CredentialReader(document: document)
        let type = try reader.text("type")
        switch type {
        case "service_account":
            self = .serviceAccount(
                ServiceAccount(
                    email: try reader.text("client_email"),
                    keyID: try reader.optionalText("private_key_id"),
                    keyName: try reader.secretName("private_key"),
                    tokenURL: try reader.tokenURL(),
                    projectID: try reader.optionalText("project_id")
                )
            )
        case "authorized_user":
            self = .authorizedUser(
                AuthorizedUser(
                    clientID: try reader.text("client_id"),
                    clientSecretName: try reader.secretName("client_secret"),
                    refreshTokenName: try reader.secretName("refresh_token"),
                    tokenURL: try reader.tokenURL(),
                    projectID: try reader.optionalText("project_id"),
                    quotaProjectID: try reader.quotaProject()
                )
            )
        default:
            throw CredentialReader.invalid(
                "are of a type that is not supported; give a service_account or an authorized_user document"
            )
        }
    }
}

/// Takes a credentials document apart; its messages never quote what stands in it.
private struct CredentialReader {
    let document: JSON

    static func invalid(_ problem: String) -> Failure {
        Failure(.invalid, "The vertex_credentials \(problem).", parameter: "vertex_credentials")
    }

    func optionalText(_ name: String) throws(Failure) -> String? {
        guard let value = document[name], !value.isNull else { return nil }
        guard let text = value.string else { throw Self.invalid("have a \(name) that is not a string") }
        return text.isEmpty ? nil : text
    }

    func text(_ name: String) throws(Failure) -> String {
        guard document.object != nil else { throw Self.invalid("are not a JSON document") }
        guard let text = try optionalText(name) else { throw Self.invalid("lack \(name)") }
        return text
    }

    func secretName(_ name: String) throws(Failure) -> String {
        guard let secret = document[name]?["secret"]?.string, !secret.isEmpty else {
            throw Self.invalid("lack \(name)")
        }
        return secret
    }

    func tokenURL() throws(Failure) -> String {
        guard let url = try optionalText("token_uri") else { return Wire.tokenEndpoint }
        guard let parts = Origin.split(url, defaultScheme: nil), !parts.rest.contains("#") else {
            throw Self.invalid("have a token_uri that is not an http:// or https:// address")
        }
        return parts.origin.text + parts.rest
    }

    func quotaProject() throws(Failure) -> String? {
        guard let project = try optionalText("quota_project_id") else { return nil }
        guard Wire.isName(project, others: "-.:", limit: 100) else {
            throw Self.invalid("have a quota_project_id that is not a project's name")
        }
        return project
    }
}
