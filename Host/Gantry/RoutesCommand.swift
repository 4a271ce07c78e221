import ArgumentParser
import HTTPTypes
import HostServer

/// Lists what the gateway serves, and to whom.
struct RoutesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "routes",
        abstract: "List every route: its method, its path and who may call it."
    )

    @OptionGroup
    var options: ConfigurationOptions

    func run() async throws {
        do {
            let gateway = try await Gateway.open(try options.load(), options: options)
            for route in gateway.server.routes.routes {
                print("\(route.method.rawValue) \(route.path) \(route.access.rawValue)")
            }
            await gateway.close()
        } catch {
            throw StartupError(error, listeningOn: options.config).exit()
        }
    }
}
