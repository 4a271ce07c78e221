import CryptoExtras
import Foundation
import Synchronization

/// One account: a project, its service account with a key, and a user with a refresh token.
struct GoogleAccount: Codable, Sendable {
    let name: String
    let privateKeyID: String
    /// PKCS#8 PEM of an RSA key of 2048 bits.
    let privateKey: String

    var project: String { "sim-\(name)" }
    var email: String { "\(name)@\(project).iam.gserviceaccount.com" }
    var clientID: String { "sim-\(name).apps.googleusercontent.com" }
    var clientSecret: String { "GOCSPX-sim-\(name)" }
    var refreshToken: String { "1//sim-refresh-\(name)" }

    /// The file that a service account's key comes in; `origin` is where tokens are had.
    func serviceJSON(_ origin: String) -> JSON {
        [
            "type": "service_account", "project_id": .string(project), "private_key_id": .string(privateKeyID),
            "private_key": .string(privateKey), "client_email": .string(email), "client_id": "108000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "\(origin)/token",
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "universe_domain": "googleapis.com",
        ]
    }

    /// The file that gcloud leaves for a user.
    func userJSON(_ origin: String) -> JSON {
        [
            "type": "authorized_user", "account": "", "client_id": .string(clientID),
            "client_secret": .string(clientSecret), "refresh_token": .string(refreshToken),
            "quota_project_id": .string(project), "token_uri": "\(origin)/token", "universe_domain": "googleapis.com",
        ]
    }
}

/// The accounts; one comes into being, with its key, when it is first named.
final class GoogleAccounts: Sendable {
    private let records: RecordStore<GoogleAccount>
    private let accounts: Mutex<[String: GoogleAccount]>

    init(directory: URL) throws {
        records = try RecordStore(directory: directory.appending(path: "accounts"))
        accounts = Mutex(Dictionary(uniqueKeysWithValues: try records.all().map { ($0.name, $0) }))
    }

    /// The account of that name, made where it is missing.
    func account(_ name: String) throws -> GoogleAccount {
        try accounts.withLock { accounts in
            if let account = accounts[name] { return account }
            let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
            let account = GoogleAccount(
                name: name,
                privateKeyID: RandomName.hexadecimal(40),
                privateKey: key.pkcs8PEMRepresentation + "\n"
            )
            try records.save(account, id: name)
            accounts[name] = account
            return account
        }
    }

    /// The account that fits, among those that exist.
    func first(where isMatch: (GoogleAccount) -> Bool) -> GoogleAccount? {
        accounts.withLock { $0.values.first(where: isMatch) }
    }
}
