import HostCore

/// Reads the configuration file and the manifests of `plugins.d`.
package struct ConfigurationLoader: Sendable {
    /// A file that has been read, to be judged without touching the disk.
    package struct File: Sendable {
        package let path: String
        package let bytes: [UInt8]

        /// Makes a file.
        package init(path: String, bytes: [UInt8]) {
            self.path = path
            self.bytes = bytes
        }
    }

    private static let sections = [
        "model_list", "general_settings", "litellm_settings", "router_settings", "plugin_settings",
        "environment_variables",
    ]
    private static let maximumManifests = 256

    private let environment: [String: String]

    /// Makes a loader.
    ///
    /// - Parameter environment: The variables that `os.environ/NAME` and the defaults of `general_settings` refer to.
    package init(environment: [String: String]) { self.environment = environment }

    /// Reads the files from the disk, and is content with nothing but all of them.
    ///
    /// Blocks; meant for start-up and reloads, not for an event loop.
    ///
    /// - Parameters:
    ///   - configurationFile: The path of the YAML file, of at most 1 MiB.
    ///   - pluginsDirectory: The path of the folder of manifests; files that do not end in `.yaml` or `.yml` and hidden
    ///     ones are ignored.
    /// - Returns: What they say, complete and free of contradictions.
    /// - Throws: ``ConfigurationError``; it names the file, the line and the key.
    package func load(
        configurationFile: String,
        pluginsDirectory: String
    ) throws(ConfigurationError) -> GatewayConfiguration {
        try read(configuration: try file(configurationFile), pluginsDirectory: pluginsDirectory).checked()
    }

    /// Judges files that have been read, and is content with nothing but all of them.
    ///
    /// - Throws: ``ConfigurationError``; it names the file, the line and the key.
    package func load(configuration: File, manifests: [File]) throws(ConfigurationError) -> GatewayConfiguration {
        try judge(configuration, manifests.map { .file($0) }, after: nil).checked()
    }

    /// Reads a configuration file.
    ///
    /// - Throws: ``ConfigurationError``.
    package func file(_ path: String) throws(ConfigurationError) -> File {
        File(path: path, bytes: try ConfigurationFile.read(path))
    }

    /// Reads the manifests from the disk and judges everything; a manifest that is wrong hurts its own deployments only.
    ///
    /// - Parameters:
    ///   - configuration: The configuration file, which has to be right.
    ///   - pluginsDirectory: The path of the folder of manifests.
    ///   - earlier: What was in force until now; nil at the start. Its manifests stand in for those that are refused
    ///     now, and a deployment that nobody serves any more is left out and no error.
    /// - Returns: What they say; ``GatewayConfiguration/manifests`` says what became of each manifest.
    /// - Throws: ``ConfigurationError`` for the configuration file, or if the folder cannot be listed.
    package func read(
        configuration: File,
        pluginsDirectory: String,
        after earlier: GatewayConfiguration? = nil
    ) throws(ConfigurationError) -> GatewayConfiguration {
        let paths = try files(in: pluginsDirectory)
        var entries: [ManifestFolder.Entry] = []
        for path in paths {
            guard ConfigurationFile.isManifest(path) else {
                if entries.count < 2 * Self.maximumManifests { entries.append(.notManifest(path)) }
                continue
            }
            do throws(ConfigurationError) {
                entries.append(.file(try file(path)))
            } catch {
                entries.append(.unreadable(path, error))
            }
        }
        return try judge(configuration, entries, after: earlier)
    }

    /// Reads `plugin_settings` alone, so that what else a configuration file says need not be complete.
    ///
    /// - Parameter configurationFile: The path of the YAML file.
    /// - Returns: The settings; those without effect if the section is absent.
    /// - Throws: ``ConfigurationError``; it names the file, the line and the key.
    package func pluginSettings(configurationFile: String) throws(ConfigurationError) -> PluginSettings {
        let (root, reader) = try self.root(of: configurationFile)
        return try PluginSettingsReader(reader: reader).settings(root["plugin_settings"])
    }

    /// A configuration file's sections, and what reads values as it wants them to be read.
    func root(of configurationFile: String) throws(ConfigurationError) -> (SourceMapping, ValueReader) {
        let bytes = try ConfigurationFile.read(configurationFile)
        let root = try valueReader.mapping(try YAMLDocument.read(bytes, file: configurationFile))
        return (root, try reader(adding: root["environment_variables"], to: valueReader))
    }

    /// The paths of a folder's manifests, sorted by name.
    func manifestPaths(in directory: String) throws(ConfigurationError) -> [String] {
        try files(in: directory).filter(ConfigurationFile.isManifest)
    }

    /// The paths of a folder's files, sorted by name; not more manifests among them than may be.
    private func files(in directory: String) throws(ConfigurationError) -> [String] {
        let paths = try ConfigurationFile.files(in: directory)
        if paths.count(where: ConfigurationFile.isManifest) <= Self.maximumManifests { return paths }
        throw ConfigurationError(
            .tooLarge,
            at: SourceLocation(file: directory),
            "there are more than \(Self.maximumManifests) manifests. Remove those that are not used."
        )
    }

    /// Reads values without what a configuration file's `environment_variables` add.
    var valueReader: ValueReader { ValueReader(environment: environment) }

    private func judge(
        _ configuration: File,
        _ entries: [ManifestFolder.Entry],
        after earlier: GatewayConfiguration?
    ) throws(ConfigurationError) -> GatewayConfiguration {
        let document = try YAMLDocument.read(configuration.bytes, file: configuration.path)
        let plain = valueReader
        let root = try plain.mapping(document)
        try refuseUnknownSections(root)
        let reader = try self.reader(adding: root["environment_variables"], to: plain)
        var warnings: [String] = []
        let liteLLM = try section("litellm_settings", of: root, reader)
        let routerReader = RouterSettingsReader(
            reader: reader,
            router: try section("router_settings", of: root, reader),
            liteLLM: liteLLM
        )
        let router = try routerReader.settings(warnings: &warnings)
        let general = try generalSettings(root, reader: reader, warnings: &warnings)
        let folder = ManifestFolder(entries, reader: reader, after: earlier?.plugins ?? [])
        let list = try root.required("model_list", "Add the models that the gateway serves.")
        var models = ModelListReader(
            reader: reader,
            plugins: folder.directory,
            router: router,
            refusesUnserved: earlier == nil
        )
        let deployments = try models.deployments(list)
        try router.check(among: models.names)
        return GatewayConfiguration(
            deployments: deployments,
            leftOut: models.leftOut,
            general: general,
            routing: router.routing,
            network: try NetworkSettingsReader(reader: reader).settings(liteLLM),
            plugins: folder.directory.manifests,
            manifests: folder.reports,
            pluginSettings: try PluginSettingsReader(reader: reader).settings(root["plugin_settings"]),
            warnings: warnings + models.warnings
        )
    }

    private func section(
        _ name: String,
        of root: SourceMapping,
        _ reader: ValueReader
    ) throws(ConfigurationError) -> SourceMapping? {
        guard let value = root[name] else { return nil }
        return try reader.mapping(value)
    }

    private func refuseUnknownSections(_ root: SourceMapping) throws(ConfigurationError) {
        if let include = root.entries.first(where: { $0.key == "include" }) {
            throw ConfigurationError(
                .unsupported,
                at: include.value.location,
                "include is not supported. Put the models into this file."
            )
        }
        try root.refuseKeys(except: Self.sections)
    }

    // LiteLLM sets these variables for itself; here they are known to the configuration alone, and come first.
    private func reader(
        adding section: SourceValue?,
        to plain: ValueReader
    ) throws(ConfigurationError) -> ValueReader {
        guard let section else { return plain }
        var environment = environment
        for entry in try plain.mapping(section).entries {
            guard ValueReader.isVariableName(entry.key) else {
                throw ConfigurationError(
                    .badValue,
                    at: entry.value.location,
                    "a variable's name has only letters, digits and _, and no digit first. Rename it."
                )
            }
            environment[entry.key] =
                switch try plain.resolved(entry.value).content {
                case .string(let text): text
                case .integer(let number): String(number)
                case .bool(let bool): String(bool)
                case .null: ""
                case .double, .list, .map:
                    throw ConfigurationError(
                        .wrongType,
                        at: entry.value.location,
                        "must be a string, not \(entry.value.kind). Put it in quotes."
                    )
                }
        }
        return ValueReader(environment: environment)
    }

    private func generalSettings(
        _ root: SourceMapping,
        reader: ValueReader,
        warnings: inout [String]
    ) throws(ConfigurationError) -> GeneralSettings {
        var mapping = SourceMapping(
            location: SourceLocation(file: root.location.file, line: root.location.line, key: "general_settings"),
            entries: []
        )
        if let section = root["general_settings"] { mapping = try reader.mapping(section) }
        return try GeneralSettingsReader(reader: reader).settings(mapping, warnings: &warnings)
    }
}

extension GatewayConfiguration {
    /// The configuration, if nothing of it is refused.
    fileprivate func checked() throws(ConfigurationError) -> GatewayConfiguration {
        if let refusal = manifests.lazy.compactMap(\.refusal).first { throw refusal }
        return self
    }
}
