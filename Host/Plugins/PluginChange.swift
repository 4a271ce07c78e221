import HostCore
import Logging

/// The making of a snapshot out of the one before and a plan: what is the same is kept, what is new or changed is made
/// beside it, and what is refused leaves the old in its place, unless nobody vouches for the old any more.
struct PluginChange {
    private let old: PluginSnapshot
    private let plan: PluginPlan
    private let loader: PluginLoader

    private(set) var report = PluginReport()
    private var plugins: [String: LoadedPlugin] = [:]
    private var refusals: [String: RefusedPlugin] = [:]
    private var targets: [DeploymentID: PluginTarget] = [:]
    private var failures: [DeploymentID: PluginError] = [:]
    private var deployments: [Deployment] = []
    /// Plugins that were there before and may not go on.
    private var dropped: Set<String> = []

    /// Makes what the plan says; nothing of the old is touched.
    init(_ old: PluginSnapshot, _ plan: PluginPlan, loader: PluginLoader) {
        self.old = old
        self.plan = plan
        self.loader = loader
        let used = Set(plan.targets.map(\.deployment.plugin))
        for definition in plan.plugins {
            let verdict = used.contains(definition.id) ? load(definition) : .unused
            report.plugins.append(
                PluginReport.Plugin(id: definition.id, manifest: definition.manifestPath, verdict: verdict)
            )
        }
        for definition in plan.targets { place(definition) }
        let planned = Set(plan.plugins.map(\.id))
        report.removedPlugins = old.plugins.keys.filter { !planned.contains($0) }.sorted()
        let names = Set(deployments.map(\.id))
        report.removedTargets = old.models.deployments.map(\.id).filter { !names.contains($0) }
    }

    /// What is served from now on.
    var snapshot: PluginSnapshot {
        PluginSnapshot(
            edition: isSame ? old.edition : old.edition + 1,
            models: isSame ? old.models : ModelTable(deployments),
            routing: plan.routing,
            plugins: plugins,
            targets: targets,
            failures: failures,
            refusals: refusals
        )
    }

    private var isSame: Bool {
        report.newTargets == 0 && deployments == old.models.deployments && plan.routing == old.routing
            && failures.mapValues(\.message) == old.failures.mapValues(\.message)
            && plugins.mapValues { ObjectIdentifier($0.instance) }
                == old.plugins.mapValues { ObjectIdentifier($0.instance) }
    }

    /// Has the gates follow the new rules; to be called when the snapshot is in force.
    func settleGates() {
        for (id, target) in targets {
            let earlier = old.targets[id]
            if earlier === target, plan.routing.cooldown == old.routing.cooldown { continue }
            // Another account or other code: how the one before did says nothing about it.
            let isAnother = earlier.map { $0.instance !== target.instance || $0.binding != target.binding } ?? false
            let limits = GateLimits(running: target.deployment.maximumParallel)
            target.gate.follow(limits, plan.routing.cooldown, forgets: isAnother)
        }
    }

    private mutating func load(_ definition: PluginDefinition) -> PluginReport.Verdict {
        let earlier = old.plugins[definition.id]
        do throws(PluginError) {
            let loaded = try loader.load(definition, after: earlier, variables: plan.variables)
            plugins[definition.id] = loaded
            guard loaded.instance !== earlier?.instance else { return .unchanged }
            return .loaded(generation: loaded.generation, sha256: loaded.instance.facts.sha256)
        } catch {
            let kept = earlier.flatMap { Self.mayStay($0, instead: definition, error) ? $0 : nil }
            if kept == nil { dropped.insert(definition.id) }
            plugins[definition.id] = kept
            refusals[definition.id] = RefusedPlugin(definition: definition, error: error)
            return .refused(error, earlierStays: kept != nil)
        }
    }

    /// Whether the version before may go on though what its files are now was refused.
    private static func mayStay(
        _ earlier: LoadedPlugin,
        instead definition: PluginDefinition,
        _ error: PluginError
    ) -> Bool {
        guard vouches(definition, for: earlier.definition) else { return false }
        // The files are those that serve, and it is they whom nobody vouches for now.
        let isRevoked =
            error.code == .untrusted && definition.manifest == earlier.definition.manifest
            && PluginImage.identity(of: definition) == earlier.identity
        return !isRevoked
    }

    /// Whether a plugin's trust says anything about what was opened by an earlier one: a key may have been revoked.
    private static func vouches(_ definition: PluginDefinition, for earlier: PluginDefinition) -> Bool {
        definition.trust == nil || definition.trust == earlier.trust
    }

    private mutating func place(_ definition: TargetDefinition) {
        let id = definition.deployment.id
        do throws(PluginError) {
            let target = try target(definition)
            if target === old.targets[id] { report.keptTargets += 1 } else { report.newTargets += 1 }
            targets[id] = target
            deployments.append(definition.deployment)
        } catch {
            let earlier = old.targets[id].flatMap { mayStay($0, instead: definition) ? $0 : nil }
            targets[id] = earlier
            deployments.append(earlier?.deployment ?? definition.deployment)
            if earlier == nil { failures[id] = error }
            // What is wrong with its plugin is said there.
            guard refusals[definition.deployment.plugin] == nil || earlier != nil else { return }
            guard error.code != .manifestRefused else { return }
            report.refusedTargets.append(
                PluginReport.RefusedTarget(deployment: id, error: error, earlierStays: earlier != nil)
            )
        }
    }

    /// Whether the target before may go on though the one of now was refused.
    private func mayStay(_ earlier: PluginTarget, instead definition: TargetDefinition) -> Bool {
        let plugin = definition.deployment.plugin
        guard earlier.deployment.plugin == plugin, !dropped.contains(plugin) else { return false }
        return plugins[plugin].map { Self.vouches($0.definition, for: earlier.instance.definition) } ?? true
    }

    private func target(_ definition: TargetDefinition) throws(PluginError) -> PluginTarget {
        let deployment = definition.deployment
        if let refusal = definition.refusal { throw PluginError(.manifestRefused, refusal) }
        guard let plugin = plugins[deployment.plugin] else {
            throw refusals[deployment.plugin]?.error
                ?? PluginError(
                    .configurationRefused,
                    "\(definition.location): there is no plugin \(deployment.plugin)."
                )
        }
        let binding = try TargetBinding(definition, instance: plugin.instance, environment: plan.variables)
        let earlier = old.targets[deployment.id]
        if let earlier, earlier.instance === plugin.instance, earlier.binding == binding,
            earlier.deployment == deployment
        {
            return earlier
        }
        // The gate stays, so that those who run on the old one are counted.
        let gate =
            earlier?.gate ?? DeploymentGate(limits: definition.gateLimits, cooldown: plan.routing.cooldown)
        return try PluginTarget(definition, instance: plugin.instance, binding: binding, gate: gate)
    }
}
