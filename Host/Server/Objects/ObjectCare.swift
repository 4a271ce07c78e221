import HostCore

/// What has to be done about objects of one kind after they were made.
protocol ObjectCare: Sendable {
    var kind: ManagedObjectKind { get }

    /// Whether objects of the kind change at their provider, so that it has to be asked about them.
    var tendsOpenObjects: Bool { get }

    /// Asks the provider about an object that is open, or goes on with one that is being settled, and writes down what
    /// is new.
    ///
    /// - Parameters:
    ///   - object: As the registry had it.
    ///   - isDue: Whether its time had come; else somebody wants to know, and a failure postpones nothing.
    /// - Returns: The object as it is now.
    /// - Throws: ``RegistryError``.
    func tend(_ object: ManagedObject, isDue: Bool) async throws -> ManagedObject

    /// Removes what there is of an object that is not wanted.
    ///
    /// - Returns: Whether nothing is left at its provider; if not, it is tried again later.
    /// - Throws: Why that could not be done or told.
    func undo(_ object: ManagedObject) async throws -> Bool
}

extension ObjectCare {
    var tendsOpenObjects: Bool { true }
}
