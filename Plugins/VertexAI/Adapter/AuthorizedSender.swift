import GantryPlugin

/// Sends requests with the deployment's access token.
struct AuthorizedSender {
    let operation: Operation
    let quotaProject: String?
    var isAnonymous = false

    /// Sends a request; if the token is refused, once more with a new one.
    ///
    /// The body is sent again as it is: segments can be repeated.
    nonisolated(nonsending) func send(_ request: HTTPRequest) async throws(Failure) -> HTTPResponse {
        guard !isAnonymous else { return try await operation.send(request) }
        let token = try await operation.token(scope: Wire.cloudPlatformScope)
        let response = try await operation.send(authorized(request, token))
        guard response.status == 401 else { return response }
        try response.abort()
        let newToken = try await operation.token(scope: Wire.cloudPlatformScope, refresh: true)
        return try await operation.send(authorized(request, newToken))
    }

    private func authorized(_ request: HTTPRequest, _ token: String) -> HTTPRequest {
        var request = request
        request.headers.append(Header("Authorization", "Bearer \(token)"))
        if let quotaProject { request.headers.append(Header("x-goog-user-project", quotaProject)) }
        return request
    }
}
