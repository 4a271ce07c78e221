import HTTPTypes
import HostCore
import HostPlugins
import Hummingbird
import NIOCore

/// What administrators see of the plugins, and what their monitoring reads.
struct PluginStatusRoutes: Sendable {
    private struct Plugins: Encodable {
        let object = "list"
        let data: [PluginAnswer]
    }

    let services: GatewayServices

    func add(to table: inout RouteTable) {
        table.add(.get, ["/plugins"], access: .admin) { _ in
            try .json(Plugins(data: PluginOverview.all(services.plugins).map { PluginAnswer($0, inFull: false) }))
        }
        table.add(.get, ["/plugins/{name}"], access: .admin) { try retrieve($0) }
        table.add(.get, ["/metrics"], access: .admin) { _ in metrics() }
    }

    private func retrieve(_ call: Call) throws -> Response {
        let name = try PathPart.decoded(call.context.parameters.require("name"), name: "name")
        guard let overview = PluginOverview.all(services.plugins).first(where: { $0.id == name }) else {
            throw GatewayError(
                .notFound,
                code: "not_found",
                parameter: "name",
                message: "There is no plugin named \(name). GET /plugins lists what there is."
            )
        }
        return try .json(PluginAnswer(overview, inFull: true))
    }

    private func metrics() -> Response {
        var page = MetricsPage()
        page.add(PluginOverview.all(services.plugins))
        page.add(
            services.models.deployments.compactMap { deployment in
                services.plugins.target(deployment.id).map { (deployment, $0.standing) }
            }
        )
        return Response(
            status: .ok,
            headers: [.contentType: MetricsPage.contentType],
            body: ResponseBody(byteBuffer: page.bytes)
        )
    }
}
