import HostConfig
import HostCore
import Testing

struct GeneralSettingsTests {
    private static let model = "model_list: [{model_name: a, litellm_params: {model: gpt}}]\n"

    private func settings(_ text: String, environment: [String: String] = [:]) throws -> GeneralSettings {
        try ConfigurationFixtures.load(Self.model + text, environment: environment).general
    }

    @Test
    func everySettingIsRead() throws {
        let settings = try settings(
            """
            general_settings:
              master_key: os.environ/KEY
              database_url: os.environ/URL
              id_format: litellm
              max_file_size_mb: 1
              max_upload_size_mb: 3
              uploads_disk_mb: "4"
              uploads_folder: /mnt/uploads
              max_request_size_mb: "2"
              drain_seconds: 1.5
              sweep_seconds: 0.5
              batch_poll_seconds: 7
              stale_seconds: 90
              lost_uploads: report
              default_expiry_seconds: {batch: 86400, user_data: "3600"}
            """,
            environment: ["KEY": "sk-master", "URL": "postgres://db/gantry"]
        )

        #expect(settings.masterKey == "sk-master")
        #expect(settings.databaseURL == "postgres://db/gantry")
        #expect(settings.fileIDFormat == .litellm)
        #expect(settings.maximumFileBytes == 1_048_576)
        #expect(settings.maximumUploadBytes == 3_145_728)
        #expect(settings.uploadsDiskBytes == 4_194_304)
        #expect(settings.uploadsFolder == "/mnt/uploads")
        #expect(settings.maximumRequestBytes == 2_097_152)
        #expect(settings.drainTimeout == .milliseconds(1500))
        #expect(settings.sweepInterval == .milliseconds(500))
        #expect(settings.batchPollInterval == .seconds(7))
        #expect(settings.staleAge == .seconds(90))
        #expect(settings.lostUploads == .report)
        #expect(settings.defaultExpiry == [.batch: 86400, .userData: 3600])
    }

    @Test
    func theDiskForPartsIsEightUploadsUnlessItIsSaid() throws {
        let settings = try settings("general_settings: {master_key: sk-1234, max_upload_size_mb: 2}")

        #expect(settings.uploadsDiskBytes == 16 << 20)
        #expect(settings.uploadsFolder == nil)
    }

    @Test(arguments: [
        "max_upload_size_mb: 0", "max_upload_size_mb: 640001", "uploads_disk_mb: 0", "uploads_folder: a/b",
    ])
    func aBadSettingOfUploadsIsNamed(setting: String) throws {
        let text = "general_settings: {master_key: sk-1234, \(setting)}"

        let error = #expect(throws: ConfigurationError.self) { try settings(text) }

        #expect(error?.description.contains(String(setting.prefix { $0 != ":" })) == true)
    }

    @Test(arguments: ["0", "0.5", "301", "-1", "often"])
    func batchesAreAskedAboutEverySecondToEveryFiveMinutes(value: String) {
        let text = "general_settings: {master_key: sk-1234, batch_poll_seconds: \(value)}"

        let error = #expect(throws: ConfigurationError.self) { try settings(text) }

        #expect(error?.description.contains("batch_poll_seconds") == true)
    }

    @Test(arguments: ["{batches: 86400}", "{batch: 3599}", "{batch: 2592001}", "{batch_output: 86400}", "3600"])
    func anExpiryIsForAKnownPurposeAndWithinOpenAIsLimits(value: String) throws {
        let text = "general_settings: {master_key: sk-1234, default_expiry_seconds: \(value)}"

        let error = #expect(throws: ConfigurationError.self) { try settings(text) }

        #expect(error?.description.contains("default_expiry_seconds") == true)
    }

    @Test(arguments: [
        (["GANTRY_MASTER_KEY": "sk-gantry", "LITELLM_MASTER_KEY": "sk-litellm"], "sk-gantry"),
        (["LITELLM_MASTER_KEY": "sk-litellm"], "sk-litellm"),
        (["GANTRY_MASTER_KEY": "", "LITELLM_MASTER_KEY": "sk-litellm"], "sk-litellm"),
    ])
    func theMasterKeyMayComeFromTheEnvironment(environment: [String: String], expected: String) throws {
        #expect(try settings("", environment: environment).masterKey == expected)
    }

    @Test
    func theDatabaseMayComeFromTheEnvironment() throws {
        let environment = ["GANTRY_MASTER_KEY": "sk-1234", "DATABASE_URL": "postgresql://db/x"]

        #expect(try settings("", environment: environment).databaseURL == "postgresql://db/x")
        #expect(try settings("", environment: ["GANTRY_MASTER_KEY": "sk-1234"]).databaseURL == nil)
    }

    @Test
    func theFilesOwnVariablesComeFirst() throws {
        let settings = try settings(
            """
            environment_variables: {GANTRY_MASTER_KEY: os.environ/OTHER, DATABASE_URL: "postgresql://db/own"}
            """,
            environment: ["GANTRY_MASTER_KEY": "sk-process", "OTHER": "sk-other"]
        )

        #expect(settings.masterKey == "sk-other")
        #expect(settings.databaseURL == "postgresql://db/own")
    }
}
