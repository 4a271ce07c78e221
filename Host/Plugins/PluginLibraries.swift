import Synchronization

/// The libraries that were opened in this process: each image once, and not too many of one plugin, because none of them
/// is ever unloaded.
final class PluginLibraries: Sendable {
    /// As many versions of one plugin may be in the process.
    static let mostGenerations = 16

    private struct State {
        /// By the hash of the image.
        var opened: [String: PluginLibrary] = [:]
        /// The hashes of the images that were opened for each plugin's id.
        var generations: [String: Set<String>] = [:]
        /// The ids of plugins of which a process can have one copy only: they are for workers.
        var singles: Set<String> = []
        /// Their files, by hash: nothing loads them again, but debuggers and profilers look for them.
        var copies: [String: LibraryCopy] = [:]
    }

    private let state = Mutex(State())

    /// Opens an image, unless that has been done.
    ///
    /// - Parameters:
    ///   - image: The private copy.
    ///   - definition: The manifest's claims.
    /// - Returns: The library.
    /// - Throws: ``PluginError`` with `.libraryRefused`, `.incompatible` or `.tooManyGenerations`.
    func library(_ image: PluginImage, as definition: PluginDefinition) throws(PluginError) -> PluginLibrary {
        let library = try state.withLock { state throws(PluginError) in
            guard !state.singles.contains(definition.id) else { throw Self.single(image) }
            var generations = state.generations[definition.id] ?? []
            guard generations.contains(image.identity) || generations.count < Self.mostGenerations else {
                throw PluginError(
                    .tooManyGenerations,
                    "\(image.origin): \(Self.mostGenerations) versions of \(definition.id) are in this process already, "
                        + "and none can be unloaded. Restart the gateway, or write `isolation: process`."
                )
            }
            defer { state.generations[definition.id] = generations }
            if let known = state.opened[image.sha256] {
                generations.insert(image.identity)
                return known
            }
            do throws(PluginError) {
                let library = try PluginLibrary(image)
                generations.insert(image.identity)
                // It is in the process now, for only its code can say so; no other version follows it.
                guard !library.table.facts.isOnePerProcess else {
                    state.singles.insert(definition.id)
                    throw Self.single(image)
                }
                state.opened[image.sha256] = library
                return library
            } catch {
                // Only what the loader itself refused is not in the process now.
                if error.code != .libraryRefused { generations.insert(image.identity) }
                throw error
            }
        }
        try library.table.facts.check(against: definition)
        let complete = try library.with(image.functions)
        state.withLock { state in
            state.copies[image.sha256] = image.copy
            if let functions = image.functions { state.copies[functions.sha256] = functions.copy }
        }
        return complete
    }

    private static func single(_ image: PluginImage) -> PluginError {
        PluginError(
            .libraryRefused,
            "\(image.origin): a process can have one copy of it only. Set isolation: process in its manifest."
        )
    }
}
