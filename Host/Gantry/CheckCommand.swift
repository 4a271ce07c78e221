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
            let gateway = try await Gateway.open(try options.load(), options: options)
            let refusals = gateway.live.first.refusals
            if refusals.isEmpty { print(gateway.live.summary) }
            await gateway.close()
            guard refusals.isEmpty else { throw StartupError.exit(refusals) }
        } catch let code as ExitCode {
            throw code
        } catch {
            throw StartupError(error, listeningOn: options.config).exit()
        }
    }
}
