import GantryPlugin

/// Gets one access token; the host caches it and gives it to everyone who waits.
struct TokenExchange {
    let credentials: CredentialSource
    let host: Host

    /// Google's clients renew a token 3 minutes and 45 seconds before it ends.
    static let renewalMarginInSeconds: Int64 = 225

    /// A time limit of our own: nobody gets an answer while a token is fetched.
    private static let timeoutInMilliseconds: UInt64 = 30000

    nonisolated(nonsending) func token(
        scope: String,
        over operation: Operation
    ) async throws(Failure) -> OperationResult {
        guard scope == Wire.cloudPlatformScope else {
            throw Failure(.unsupported, "Vertex AI deployments have tokens for \(Wire.cloudPlatformScope) only.")
        }
        let response = try await operation.send(try request())
        let body = try await response.body()
        guard response.status == 200 else {
            throw UpstreamError(status: response.status, headers: response.headers, body: body)
                .tokenFailure(isMetadataServer: credentials.isMetadataServer)
        }
        if credentials.isMetadataServer, response.header("metadata-flavor") != "Google" {
            // Without it anything that answers at this address could hand out tokens.
            throw Failure(
                .upstreamProtocol,
                "The metadata server's answer lacks \"Metadata-Flavor: Google\"; check metadata_host."
            )
        }
        return try Self.result(body)
    }

    /// Reads `{"access_token", "expires_in"}`.
    static func result(_ body: [UInt8]) throws(Failure) -> OperationResult {
        let answer = Wire.document(body)
        guard let token = answer?["access_token"]?.string, isHeaderSafe(token),
            let lifetime = answer?["expires_in"]?.integer, lifetime > 0
        else {
            throw Failure(.upstreamProtocol, "Google's token endpoint answered without a usable access token.")
        }
        let seconds = min(max(0, lifetime - renewalMarginInSeconds), 86400)
        return .token(token, expiresInMilliseconds: UInt64(seconds) * 1000)
    }

    /// RFC 6750 §2.1 allows less; what matters is that the token cannot end its header.
    private static func isHeaderSafe(_ token: String) -> Bool {
        !token.isEmpty && token.utf8.count <= 16384 && token.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }

    private func request() throws(Failure) -> HTTPRequest {
        switch credentials {
        case .serviceAccount(let account):
            let assertion = try assertion(for: account)
            let grant = Wire.percentEncoded("urn:ietf:params:oauth:grant-type:jwt-bearer")
            return form(account.tokenURL, [.text("grant_type=\(grant)&assertion=\(assertion)")])
        case .authorizedUser(let user):
            let clientID = Wire.percentEncoded(user.clientID)
            return form(
                user.tokenURL,
                [
                    .text("grant_type=refresh_token&client_id=\(clientID)&client_secret="),
                    .secret(user.clientSecretName, formEncoded: true),
                    .text("&refresh_token="),
                    .secret(user.refreshTokenName, formEncoded: true),
                ]
            )
        case .metadataServer(let origin):
            let path = "/computeMetadata/v1/instance/service-accounts/default/token"
            var request = HTTPRequest(
                method: "GET",
                url: "\(origin)\(path)?scopes=\(Wire.percentEncoded(Wire.cloudPlatformScope))",
                headers: [Header("Metadata-Flavor", "Google")]
            )
            request.isIdempotent = true
            request.timeoutMilliseconds = Self.timeoutInMilliseconds
            return request
        }
    }

    private func form(_ url: String, _ body: [Segment]) -> HTTPRequest {
        var request = HTTPRequest(
            method: "POST",
            url: url,
            headers: [Header("Content-Type", "application/x-www-form-urlencoded")],
            body: body
        )
        request.isIdempotent = true
        request.timeoutMilliseconds = Self.timeoutInMilliseconds
        return request
    }

    /// RFC 7523 §3: a signed statement that the service account itself asks.
    private func assertion(for account: CredentialSource.ServiceAccount) throws(Failure) -> String {
        let issuedAt = Int64(host.nowMilliseconds / 1000)
        var header = JSONObject()
        header["typ"] = "JWT"
        header["alg"] = "RS256"
        header["kid"] = account.keyID.map { .string($0) }
        var claims = JSONObject()
        claims["iss"] = .string(account.email)
        claims["scope"] = .string(Wire.cloudPlatformScope)
        // Always this constant, even where token_uri points elsewhere.
        claims["aud"] = .string(Wire.tokenEndpoint)
        claims["iat"] = .integer(issuedAt)
        claims["exp"] = .integer(issuedAt + 3600)
        let signed =
            Wire.base64URLEncoded(JSON.object(header).serialized()) + "."
            + Wire.base64URLEncoded(JSON.object(claims).serialized())
        let signature = try host.sign(algorithm: .rs256, key: account.keyName, Array(signed.utf8))
        return "\(signed).\(Wire.base64URLEncoded(signature))"
    }
}
