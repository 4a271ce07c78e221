/// A plugin as it stands at this moment, for administrators.
package struct PluginState: Sendable {
    /// Where its code runs.
    package enum Isolation: String, Sendable {
        case inProcess = "in_process"
        case process
    }

    /// Whether requests reach it.
    package enum Standing: String, Sendable {
        /// It takes requests.
        case serving
        /// It takes requests, but fewer workers than wanted are alive.
        case degraded
        /// Requests get `plugin_failed`: no worker is alive, or it could not be loaded.
        case failed
        /// A manifest says that it shall not be used, or no deployment uses it.
        case unused
    }

    /// One worker process.
    package struct Worker: Sendable {
        /// Nil while none runs.
        package let processID: Int32?
        /// Whether it takes steps.
        package let isReady: Bool
        /// Operations that it has begun and not ended.
        package let operations: Int

        /// Makes a description.
        package init(processID: Int32?, isReady: Bool, operations: Int) {
            self.processID = processID
            self.isReady = isReady
            self.operations = operations
        }
    }

    /// Whether deaths in a row have made the host stop giving requests to the plugin.
    package struct Breaker: Sendable {
        package let isOpen: Bool
        /// Deaths without a good time between them.
        package let deathsInARow: Int
        /// Until it is tried again; nil if nothing is awaited.
        package let nextTry: Duration?

        /// Makes a description.
        package init(isOpen: Bool, deathsInARow: Int, nextTry: Duration?) {
            self.isOpen = isOpen
            self.deathsInARow = deathsInARow
            self.nextTry = nextTry
        }
    }

    package let id: String
    /// Nil if what is there could not be loaded, as the hash.
    package let version: String?
    /// Lower-case hexadecimal SHA-256 of the library's bytes.
    package let sha256: String?
    /// The manifest's path; nil if it is not known, as the isolation.
    package let manifest: String?
    package let isolation: Isolation?
    package let standing: Standing
    /// Why it does not serve, or does not serve what lies on the disk: one line without secrets; else nil.
    package let problem: String?
    /// The names of the operations it has.
    package let operations: [String]
    /// The deployments that use it, in no order.
    package let deployments: [String]
    /// Empty for a plugin in this process.
    package let workers: [Worker]
    /// What keeps its workers in: names and values, such as `landlock` and `ABI 6`; empty in this process.
    package let sandbox: [String: String]
    /// Nil for a plugin in this process.
    package let breaker: Breaker?

    /// Makes a description.
    package init(
        id: String,
        version: String?,
        sha256: String?,
        manifest: String?,
        isolation: Isolation?,
        standing: Standing,
        problem: String? = nil,
        operations: [String] = [],
        deployments: [String] = [],
        workers: [Worker] = [],
        sandbox: [String: String] = [:],
        breaker: Breaker? = nil
    ) {
        self.id = id
        self.version = version
        self.sha256 = sha256
        self.manifest = manifest
        self.isolation = isolation
        self.standing = standing
        self.problem = problem
        self.operations = operations
        self.deployments = deployments
        self.workers = workers
        self.sandbox = sandbox
        self.breaker = breaker
    }
}
