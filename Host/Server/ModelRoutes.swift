import HostPlugins

/// Chat, embeddings and responses: the client's body goes to a deployment that holds its files, the answer comes back as it is.
///
/// They are the fast lane's; ``FastCall`` serves them.
struct ModelRoutes: Sendable {
    func add(to table: inout RouteTable) {
        let paths = { (operation: String) in
            [
                "/v1/\(operation)", "/\(operation)", "/openai/deployments/:model/\(operation)",
                "/engines/:model/\(operation)",
            ]
        }
        table.fast(paths("chat/completions"), .chat)
        table.fast(paths("embeddings"), .embed)
        table.fast(ResponseRoutes.roots, .responses)
    }
}
