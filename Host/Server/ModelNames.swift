import HostCore
import HostPlugins
import HostRegistry

/// The names that clients may call a model: the configured ones, and those of models that were tuned for them.
extension GatewayServices {
    /// The deployments that serve a model name for a request.
    ///
    /// - Throws: ``RuleError`` with `.keyModelAccessDenied` or `.modelNotFound`, parameter `model`; somebody else's tuned
    ///   model is one that does not exist. `.pluginFailed` if none of them can serve anything. ``RegistryError`` with
    ///   `.storeUnavailable`.
    func deployments(named name: String, for principal: Principal) async throws -> [Deployment] {
        let served = plugins.current
        do throws(RuleError) {
            return try served.working(try served.models.deployments(named: name, for: principal))
        } catch {
            guard error.mayBeForTunedModel else { throw error }
            let tuned = served.models.deployments(of: try await registry.tunedModels(named: name), for: principal)
            guard !tuned.isEmpty else { throw error }
            return try served.working(tuned)
        }
    }

    /// The deployments that a client's target names mean, each once, in the order first named.
    ///
    /// - Throws: ``RuleError`` as ``ModelTable/targets(named:for:tuned:)``; ``RegistryError`` with `.storeUnavailable`.
    func targets(named names: [String], for principal: Principal) async throws -> [Deployment] {
        do throws(RuleError) {
            return try models.targets(named: names, for: principal)
        } catch {
            guard error.mayBeForTunedModel else { throw error }
        }
        var tuned: [String: [Deployment]] = [:]
        for name in names where !models.isConfigured(name) && tuned[name] == nil {
            let found = models.deployments(of: try await registry.tunedModels(named: name), for: principal)
            // Nobody has as many names looked up as fit into a request.
            guard !found.isEmpty else { break }
            tuned[name] = found
        }
        return try models.targets(named: names, for: principal, tuned: tuned)
    }
}

extension RuleError {
    /// Whether there is no such configured model for the key, so that the name may be a tuned model's.
    var mayBeForTunedModel: Bool { code == .modelNotFound || code == .keyModelAccessDenied }
}
