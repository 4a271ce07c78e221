import HostCore
import HostFunctions
import Logging

/// What an instance of a plugin is made with.
struct PluginSetup: Sendable {
    let secrets: SecretStore
    let services: HostServices
    /// Names the plugin in each line.
    let logger: Logger
    /// The manifest's configuration as JSON, secrets replaced by their names.
    let configuration: [UInt8]
    /// Where the configuration stands, for messages.
    let location: String

    /// Binds a manifest's configuration.
    init(
        _ definition: PluginDefinition,
        _ facts: PluginFacts,
        functions: FunctionTable? = nil,
        environment: [String: String],
        logger: Logger
    ) throws(PluginError) {
        var pluginLogger = logger
        pluginLogger[metadataKey: "plugin.name"] = "\(definition.id)"
        let secrets = SecretStore(definition.secrets)
        var binder = ParameterBinder(
            rules: facts.description.configuration,
            secrets: secrets,
            environment: environment,
            listedVariables: definition.listedVariables,
            scope: .plugin(definition.id),
            location: "\(definition.manifestPath): configuration"
        )
        configuration = try binder.bind(definition.configuration)
        binder.logUnlistedVariables(to: pluginLogger)
        location = definition.manifestPath
        services = HostServices(logger: pluginLogger, secrets: secrets, functions: functions)
        self.secrets = secrets
        self.logger = pluginLogger
    }

    /// Why a plugin refused what it was given: its own words, or the status.
    func refusal(_ commands: [PluginCommand], _ status: Int32, location: String) -> PluginError {
        for case .error(let failure) in commands {
            let parameter = failure.parameter.map { "\(secrets.masked($0)): " } ?? ""
            return PluginError(.configurationRefused, "\(location): \(parameter)\(secrets.masked(failure.message))")
        }
        return PluginError(
            .configurationRefused,
            "\(location): the plugin refused it without a reason (status \(status)). Look at the plugin's log lines."
        )
    }
}
