import ArgumentParser

/// Loads everything as `serve` would, reports, and exits.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration, the manifests and the plugins without serving."
    )

    @OptionGroup
    var options: ConfigurationOptions

    func run() async throws {
        do {
            let configuration = try options.load()
            let gateway = try await Gateway.open(configuration, options: options)
            print(gateway.report)
            await gateway.close()
        } catch {
            throw StartupError(error, listeningOn: options.config).exit()
        }
    }
}
