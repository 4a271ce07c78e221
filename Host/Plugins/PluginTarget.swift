import HostCore
import HostPluginABI
import HostUpstream
import NIOCore

/// One deployment as its plugin sees it.
///
/// `@unchecked Sendable`: the pointer is written once; the plugin's own rules about threads are kept by the instance.
package final class PluginTarget: @unchecked Sendable {
    package let deployment: Deployment
    let instance: PluginInstance
    let reach: Reach
    let credentials = CredentialCache()
    let gate: DeploymentGate
    let heads = RequestHeads()
    /// The longest that an operation takes.
    let timeout: TimeAmount
    /// What the plugin was given.
    let binding: TargetBinding
    private let code: PluginInstance.TargetCode

    /// Binds a deployment's parameters and gives them to the plugin to check.
    convenience init(
        _ definition: TargetDefinition,
        instance: PluginInstance,
        environment: [String: String],
        gate: DeploymentGate? = nil
    ) throws(PluginError) {
        let binding = try TargetBinding(definition, instance: instance, environment: environment)
        try self.init(definition, instance: instance, binding: binding, gate: gate)
    }

    /// Gives a deployment's bound parameters to the plugin to check.
    init(
        _ definition: TargetDefinition,
        instance: PluginInstance,
        binding: TargetBinding,
        gate: DeploymentGate?
    ) throws(PluginError) {
        code = try instance.makeTarget(binding.json, location: definition.location)
        deployment = definition.deployment
        timeout = TimeAmount(definition.deployment.timeout)
        reach = Reach(endpoints: binding.endpoints, allowsHost: instance.definition.allowsHost)
        self.instance = instance
        self.binding = binding
        self.gate = gate ?? DeploymentGate(limits: definition.gateLimits, cooldown: CooldownRules())
    }

    deinit { code.free() }

    /// The longest that an operation of this kind takes: one that goes through a whole JSONL file is no chat.
    func timeout(of kind: OperationKind) -> TimeAmount {
        kind == .inputCreate || kind == .batchResults ? max(timeout, .hours(1)) : timeout
    }

    /// How the deployment does, for the choice among several.
    package var standing: DeploymentStanding { gate.standing }

    /// Whether the plugin serves this kind of operation.
    package func serves(_ kind: OperationKind) -> Bool { instance.facts.serves(kind) }

    /// Whether the provider gives back the content of files uploaded for this purpose.
    package func givesBackContent(of purpose: FilePurpose) -> Bool {
        let purposes = instance.facts.description.contentPurposes
        return serves(.fileContent) && (purposes.contains("*") || purposes.contains(purpose.rawValue))
    }

    /// What becomes of a file whose upload was cut off before anybody noted its id; nil if the plugin does not say.
    package var lostFiles: LostFiles? {
        let told = instance.facts.description.lostFiles
        return told == .search && !serves(.fileList) ? nil : told
    }

    /// Makes the plugin's state for one operation.
    ///
    /// - Parameters:
    ///   - kind: What the operation is.
    ///   - loop: Where it runs.
    ///   - refused: Makes a failure of the status with which the plugin refused.
    /// - Returns: The operation, or why there is none.
    func makeOperation(
        _ kind: OperationKind,
        on loop: any EventLoop,
        refused: (Int32) -> OperationFailure
    ) -> Result<PluginOperation, OperationFailure> {
        code.makeOperation(kind, on: loop, refused: refused)
    }
}

/// Where a deployment's plugin may send requests: the manifest's hosts, and those that the operator named for it.
struct Reach: Sendable {
    let endpoints: Set<UpstreamEndpoint>
    let allowsHost: @Sendable (_ scheme: String, _ host: String, _ port: Int) -> Bool

    func allows(_ endpoint: UpstreamEndpoint) -> Bool {
        endpoints.contains(endpoint) || allowsHost(endpoint.scheme.rawValue, endpoint.host, endpoint.port)
    }
}

/// A deployment's parameters as its plugin gets them; two are equal if the plugin cannot tell them apart.
struct TargetBinding: Sendable, Equatable {
    let json: [UInt8]
    let endpoints: Set<UpstreamEndpoint>
    /// Keeps the secrets that the parameters name.
    private let lease: SecretLease

    /// Binds parameters; whoever does not keep this drops their secrets again.
    init(
        _ definition: TargetDefinition,
        instance: PluginInstance,
        environment: [String: String]
    ) throws(PluginError) {
        lease = SecretLease(instance.secrets)
        var binder = ParameterBinder(
            rules: instance.facts.description.parameters,
            secrets: instance.secrets,
            environment: environment,
            listedVariables: instance.definition.listedVariables,
            guardsSecrets: instance.definition.limits != nil,
            scope: .deployment(definition.deployment.id.description),
            location: definition.location,
            lease: lease
        )
        json = try binder.bind(definition.parameters)
        binder.logUnlistedVariables(to: instance.logger)
        endpoints = binder.endpoints
    }

    static func == (left: Self, right: Self) -> Bool { left.json == right.json && left.endpoints == right.endpoints }
}
