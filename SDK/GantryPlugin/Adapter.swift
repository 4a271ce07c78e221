/// A provider adapter: one instance for each entry of `plugins.d`.
///
/// An adapter does no I/O of its own: it asks the host through ``Operation`` and ``Host``.
public protocol Adapter: Sendable {
    /// One deployment.
    associatedtype Target: AdapterTarget

    /// What the plugin is and which parameters it takes.
    static var description: PluginDescription { get }

    /// Makes an instance.
    /// - Parameters:
    ///   - configuration: The object of the `plugins.d` entry, secrets replaced by `{"secret": NAME}`.
    ///   - host: The host's services; valid as long as the instance.
    /// - Throws: ``Failure`` that says what is wrong with the configuration and what to do.
    init(configuration: JSON, host: Host) throws(Failure)

    /// Makes a target and checks its parameters.
    ///
    /// `parameters` is the object of the deployment, secrets replaced by `{"secret": NAME}`. What is thrown says which
    /// parameter is wrong and what to do.
    func makeTarget(parameters: JSON) throws(Failure) -> Target
}

/// One deployment of a model: what operations run on.
public protocol AdapterTarget: Sendable {
    /// The request of an operation whose answer needs no look; nil, as by default, for one that is to be performed.
    func relay(_ operation: Operation) throws(Failure) -> Relay?

    /// Runs one operation.
    ///
    /// It may await the methods of `operation` and of its responses, and nothing else: only the host's events
    /// resume it.
    func perform(_ operation: Operation) async throws(Failure) -> OperationResult
}

extension AdapterTarget {
    /// Nothing is relayed.
    public func relay(_ operation: Operation) throws(Failure) -> Relay? { nil }
}

/// How an operation ends well.
public enum OperationResult: Sendable {
    /// A JSON answer.
    case json(JSON)
    /// An answer that is already text.
    case bytes([UInt8])
    /// An access token, and how long it is valid.
    case token(String, expiresInMilliseconds: UInt64)
    /// Nothing more to say: `{}`.
    case done
}
