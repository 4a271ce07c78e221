import HTTPTypes
import HostCore
import HostPlugins
import HostRegistry
import Hummingbird
import NIOCore

/// Whether the gateway lives, is ready, and can reach its providers.
struct HealthRoutes: Sendable {
    let services: GatewayServices
    let board: HealthBoard

    init(services: GatewayServices) {
        self.services = services
        board = HealthBoard(plugins: services.plugins)
    }

    func add(to table: inout RouteTable) {
        table.open(.get, ["/health/liveliness", "/health/liveness"]) { _, _ in
            try .json("I'm alive!")
        }
        table.open(.get, ["/health/readiness"]) { _, _ in
            let isConnected = await services.registry.health()
            let answer = Readiness(
                status: isConnected ? "healthy" : "unhealthy",
                db: isConnected ? "connected" : "disconnected"
            )
            return try .json(answer, status: isConnected ? .ok : .serviceUnavailable)
        }
        table.add(.get, ["/health"]) { call in
            let names = Set(services.models.modelNames(for: call.principal))
            let entries = await board.entries().filter { names.contains($0.modelName) }
            return try .json(Health(entries, plugins: plugins(behind: entries, for: call.principal)))
        }
    }

    /// The plugins of the deployments that are shown; for who sees everything all there are.
    private func plugins(behind entries: [HealthBoard.Entry], for principal: Principal) -> [PluginHealth] {
        let shown = Set(entries.map(\.plugin))
        return PluginOverview.all(services.plugins)
            .filter { principal.seesEverybody || shown.contains($0.id) }
            .map { PluginHealth($0, inFull: principal.seesEverybody) }
    }
}

private struct Readiness: Encodable {
    let status: String
    let db: String
}

/// LiteLLM's answer about every deployment, and the plugins.
private struct Health: Encodable {
    private enum CodingKeys: String, CodingKey {
        case healthy = "healthy_endpoints"
        case unhealthy = "unhealthy_endpoints"
        case healthyCount = "healthy_count"
        case unhealthyCount = "unhealthy_count"
        case plugins
    }

    let healthy: [HealthBoard.Entry]
    let unhealthy: [HealthBoard.Entry]
    let healthyCount: Int
    let unhealthyCount: Int
    let plugins: [PluginHealth]

    init(_ entries: [HealthBoard.Entry], plugins: [PluginHealth]) {
        self.plugins = plugins
        healthy = entries.filter { $0.error == nil }
        unhealthy = entries.filter { $0.error != nil }
        healthyCount = healthy.count
        unhealthyCount = unhealthy.count
    }
}
