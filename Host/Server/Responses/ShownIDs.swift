import HostCore
import HostRegistry
import NIOCore

/// Puts the gateway's ids in the place of a provider's in what it says of a kept response.
struct ShownIDs {
    private let services: GatewayServices
    private let principal: Principal
    private let deployment: DeploymentID
    private var replacement = IDReplacement()

    /// Begins with the response's own id.
    ///
    /// - Parameters:
    ///   - response: What is shown.
    ///   - clientID: Its id as the client wrote it.
    ///   - principal: Who is to see it.
    ///   - services: What is asked about other ids.
    init(of response: ManagedObject, clientID: String, for principal: Principal, _ services: GatewayServices) {
        self.services = services
        self.principal = principal
        deployment = response.deployment
        if let id = response.providerID { replacement.replace(id, with: clientID) }
    }

    /// What stands in the place of the ids that have come so far.
    var texts: [String: String?] { replacement.texts }

    /// The next piece of an answer, or all of it.
    ///
    /// - Throws: ``RegistryError`` with `.storeUnavailable`.
    mutating func rewritten(_ piece: ByteBuffer, isLast: Bool) async throws -> ByteBuffer {
        let unknown = piece.withUnsafeReadableBytes { replacement.unknownIDs(in: $0, isLast: isLast) }
        if !unknown.isEmpty { try await learn(unknown) }
        var output = ByteBuffer(bytes: piece.withUnsafeReadableBytes { replacement.take($0) })
        if isLast { output.writeBytes(replacement.finish()) }
        return output
    }

    /// What the principal may not know under the gateway's name is left out, as a provider's id is nothing for it.
    private mutating func learn(_ ids: Set<String>) async throws {
        // Files of a container have no other name; nobody can read them but by it.
        let names = try await services.registry.names(
            of: ids.filter { !$0.hasPrefix("cfile_") },
            at: deployment,
            for: principal
        )
        for id in ids {
            if let response = names.responses[id] {
                replacement.replace(id, with: services.objectIDs.text(for: response))
            } else if let file = names.files[id] {
                replacement.replace(id, with: services.fileIDs.text(for: file))
            } else {
                replacement.replace(id, with: principal.allowsRawFileIDs || id.hasPrefix("cfile_") ? id : nil)
            }
        }
    }
}
