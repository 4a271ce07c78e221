import HostCore

/// Reads `general_settings` and the variables that stand in for it.
struct GeneralSettingsReader {
    private static let keys = [
        "master_key", "database_url", "id_format", "max_file_size_mb", "max_upload_size_mb", "uploads_disk_mb",
        "uploads_folder", "max_request_size_mb", "drain_seconds", "sweep_seconds", "stale_seconds", "lost_uploads",
        "default_expiry_seconds", "webhooks", "batch_poll_seconds",
        "batch_lost_seconds",
    ]
    // LiteLLM's settings without which this gateway is neither less safe nor otherwise different to its clients.
    private static let harmless: Set<String> = [
        "alerting", "alerting_args", "alerting_threshold", "background_health_checks", "completion_model",
        "database_connection_pool_limit", "database_connection_timeout", "database_type", "disable_error_logs",
        "disable_prisma_schema_update", "disable_reset_budget", "disable_spend_logs", "disable_spend_updates",
        "health_check_details", "health_check_interval", "infer_model_from_keys",
        "maximum_spend_logs_retention_interval", "maximum_spend_logs_retention_period", "proxy_batch_polling_interval",
        "proxy_batch_write_at", "proxy_budget_rescheduler_max_time", "proxy_budget_rescheduler_min_time",
        "store_model_in_db", "store_prompts_in_spend_logs", "ui_access_mode", "use_redis_transaction_buffer",
    ]
    private static let masterKeyVariables = ["GANTRY_MASTER_KEY", "LITELLM_MASTER_KEY"]
    private static let largestFileInMebibytes: Int64 = 8 << 20
    // 10,000 parts of 64 MiB.
    private static let largestUploadInMebibytes: Int64 = 640_000
    private static let largestDiskInMebibytes: Int64 = 1 << 30
    private static let largestRequestInMebibytes: Int64 = 2048
    private static let longestDrainInSeconds: Int64 = 3600
    private static let longestSweepInSeconds: Int64 = 3600
    private static let longestBatchPollInSeconds: Int64 = 300
    private static let longestBatchLossInSeconds: Int64 = 30 * 86_400
    private static let longestStaleAgeInSeconds: Int64 = 3600
    private static let expirySeconds: ClosedRange<Int64> = 3600...2_592_000

    let reader: ValueReader

    /// The settings of a mapping; a warning is added for each key that has no effect.
    func settings(_ mapping: SourceMapping, warnings: inout [String]) throws(ConfigurationError) -> GeneralSettings {
        for entry in mapping.entries where !Self.keys.contains(entry.key) {
            guard Self.harmless.contains(entry.key) else {
                throw SourceMapping.unknownKey(entry, known: Self.keys)
            }
            warnings.append("\(entry.value.location): has no effect in this version.")
        }
        let defaults = GeneralSettings(masterKey: "")
        var format = defaults.fileIDFormat
        var fileBytes = defaults.maximumFileBytes
        var requestBytes = defaults.maximumRequestBytes
        var drainTimeout = defaults.drainTimeout
        if let value = mapping["id_format"] { format = try reader.word(value, of: [.gantry, .litellm]) }
        if let value = mapping["max_file_size_mb"] {
            fileBytes = try reader.integer(value, in: 1...Self.largestFileInMebibytes) << 20
        }
        var uploadBytes = defaults.maximumUploadBytes
        if let value = mapping["max_upload_size_mb"] {
            uploadBytes = try reader.integer(value, in: 1...Self.largestUploadInMebibytes) << 20
        }
        if let value = mapping["max_request_size_mb"] {
            requestBytes = Int(try reader.integer(value, in: 1...Self.largestRequestInMebibytes)) << 20
        }
        if let value = mapping["drain_seconds"] {
            drainTimeout = try reader.seconds(value, upTo: Self.longestDrainInSeconds)
        }
        var sweepInterval = defaults.sweepInterval
        var batchPollInterval = defaults.batchPollInterval
        var batchLossAge = defaults.batchLossAge
        var staleAge = defaults.staleAge
        if let value = mapping["sweep_seconds"] {
            sweepInterval = try reader.seconds(value, upTo: Self.longestSweepInSeconds)
        }
        if let value = mapping["batch_poll_seconds"] {
            batchPollInterval = .seconds(try reader.integer(value, in: 1...Self.longestBatchPollInSeconds))
        }
        if let value = mapping["batch_lost_seconds"] {
            batchLossAge = .seconds(try reader.integer(value, in: 1...Self.longestBatchLossInSeconds))
        }
        if let value = mapping["stale_seconds"] {
            staleAge = try reader.seconds(value, upTo: Self.longestStaleAgeInSeconds)
        }
        var lostUploads = defaults.lostUploads
        if let value = mapping["lost_uploads"] { lostUploads = try reader.word(value, of: [.delete, .report]) }
        return GeneralSettings(
            masterKey: try masterKey(mapping),
            databaseURL: try databaseURL(mapping),
            fileIDFormat: format,
            maximumFileBytes: fileBytes,
            maximumUploadBytes: uploadBytes,
            uploadsDiskBytes: try uploadsDisk(mapping),
            uploadsFolder: try uploadsFolder(mapping),
            maximumRequestBytes: requestBytes,
            drainTimeout: drainTimeout,
            sweepInterval: sweepInterval,
            batchPollInterval: batchPollInterval,
            batchLossAge: batchLossAge,
            staleAge: staleAge,
            lostUploads: lostUploads,
            defaultExpiry: try defaultExpiry(mapping),
            webhooks: try mapping["webhooks"].map { value throws(ConfigurationError) in
                try WebhookSettingsReader(reader: reader).settings(value)
            }
        )
    }

    private func uploadsDisk(_ mapping: SourceMapping) throws(ConfigurationError) -> Int64? {
        guard let value = mapping["uploads_disk_mb"] else { return nil }
        return try reader.integer(value, in: 1...Self.largestDiskInMebibytes) << 20
    }

    private func uploadsFolder(_ mapping: SourceMapping) throws(ConfigurationError) -> String? {
        guard let value = mapping["uploads_folder"] else { return nil }
        let path = try reader.string(value)
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw ConfigurationError(
                .badValue,
                at: value.location,
                "must be the absolute path of a folder that all hosts share. Correct it, or remove it."
            )
        }
        return path
    }

    /// A mapping from purposes to seconds.
    private func defaultExpiry(_ mapping: SourceMapping) throws(ConfigurationError) -> [FilePurpose: Int64] {
        guard let value = mapping["default_expiry_seconds"] else { return [:] }
        var expiry: [FilePurpose: Int64] = [:]
        for entry in try reader.mapping(value).entries {
            guard let purpose = FilePurpose.requestable.first(where: { $0.rawValue == entry.key }) else {
                let known = FilePurpose.requestable.map(\.rawValue)
                throw SourceMapping.unknownKey(entry, known: known)
            }
            expiry[purpose] = try reader.integer(entry.value, in: Self.expirySeconds)
        }
        return expiry
    }

    private func masterKey(_ mapping: SourceMapping) throws(ConfigurationError) -> String {
        let place: SourceLocation
        let key: String
        if let value = mapping["master_key"] {
            place = value.location
            key = try reader.string(value)
        } else if let name = Self.masterKeyVariables.first(where: { reader.variable($0) != nil }) {
            place = SourceLocation(file: "environment", key: name)
            key = reader.variable(name) ?? ""
        } else {
            throw ConfigurationError(
                .missingKey,
                at: mapping.location,
                "master_key is missing. Set it to a key that starts with sk-, or set GANTRY_MASTER_KEY."
            )
        }
        // It comes in a header, so it has to be visible ASCII.
        guard key.hasPrefix("sk-"), (7...512).contains(key.utf8.count), key.utf8.allSatisfy({ 0x21...0x7e ~= $0 })
        else {
            throw ConfigurationError(
                .badValue,
                at: place,
                "a master key starts with sk- and has 7 to 512 visible ASCII characters. Choose such a key."
            )
        }
        return key
    }

    private func databaseURL(_ mapping: SourceMapping) throws(ConfigurationError) -> String? {
        let place: SourceLocation
        let url: String
        if let value = mapping["database_url"] {
            place = value.location
            url = try reader.string(value)
        } else if let value = reader.variable("DATABASE_URL") {
            place = SourceLocation(file: "environment", key: "DATABASE_URL")
            url = value
        } else {
            return nil
        }
        guard url.hasPrefix("postgresql://") || url.hasPrefix("postgres://") else {
            throw ConfigurationError(
                .badValue,
                at: place,
                "must start with postgresql://. Correct it, or remove it to use the embedded SQLite."
            )
        }
        return url
    }
}
