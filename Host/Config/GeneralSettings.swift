import HostCore

/// `general_settings`, with defaults for what is absent.
package struct GeneralSettings: Sendable {
    /// The administrator's key; a secret.
    package let masterKey: String
    /// The PostgreSQL database, which may hold a password; nil for the embedded SQLite.
    package let databaseURL: String?
    package let fileIDFormat: FileIDFormat
    /// The largest file that may be uploaded.
    package let maximumFileBytes: Int64
    /// The largest file that may be uploaded in parts.
    package let maximumUploadBytes: Int64
    /// What the parts of all uploads together may have on this host's disk.
    package let uploadsDiskBytes: Int64
    /// Where parts lie, in a folder that several hosts share; nil for one in the data folder.
    package let uploadsFolder: String?
    /// The largest body of any other request.
    package let maximumRequestBytes: Int
    /// How long running requests may take to end once the gateway is told to stop.
    package let drainTimeout: Duration
    /// How often unfinished work and expired files are looked for.
    package let sweepInterval: Duration
    /// How soon a provider is asked about a batch that was made just now; about an older one it is asked less often.
    package let batchPollInterval: Duration
    /// For how long a provider has to say that it has no such batch or job until that is believed.
    package let batchLossAge: Duration
    /// For how long keys and files are known from memory while the database cannot be reached.
    package let staleAge: Duration
    /// What is done about a provider's file that an upload which was cut off may have left.
    package let lostUploads: LostUploads
    /// After how many seconds a file expires whose upload does not say, by purpose; absent for never.
    package let defaultExpiry: [FilePurpose: Int64]
    /// Who is told when a batch or a fine-tuning job has ended; nil for nobody.
    package let webhooks: WebhookSettings?

    /// Makes settings; the defaults are 2048 MiB a file, 8192 MiB in parts, 64 MiB a request, 30 s to drain and to sweep,
    /// 5 s until a batch is asked about, 60 s from memory.
    package init(
        masterKey: String,
        databaseURL: String? = nil,
        fileIDFormat: FileIDFormat = .gantry,
        maximumFileBytes: Int64 = 2048 << 20,
        maximumUploadBytes: Int64 = 8192 << 20,
        uploadsDiskBytes: Int64? = nil,
        uploadsFolder: String? = nil,
        maximumRequestBytes: Int = 64 << 20,
        drainTimeout: Duration = .seconds(30),
        sweepInterval: Duration = .seconds(30),
        batchPollInterval: Duration = .seconds(5),
        batchLossAge: Duration = .seconds(86_400),
        staleAge: Duration = .seconds(60),
        lostUploads: LostUploads = .delete,
        defaultExpiry: [FilePurpose: Int64] = [:],
        webhooks: WebhookSettings? = nil
    ) {
        self.masterKey = masterKey
        self.databaseURL = databaseURL
        self.fileIDFormat = fileIDFormat
        self.maximumFileBytes = maximumFileBytes
        self.maximumUploadBytes = maximumUploadBytes
        self.uploadsDiskBytes = uploadsDiskBytes ?? 8 * min(maximumUploadBytes, .max / 8)
        self.uploadsFolder = uploadsFolder
        self.maximumRequestBytes = maximumRequestBytes
        self.drainTimeout = drainTimeout
        self.sweepInterval = sweepInterval
        self.batchPollInterval = batchPollInterval
        self.batchLossAge = batchLossAge
        self.staleAge = staleAge
        self.lostUploads = lostUploads
        self.defaultExpiry = defaultExpiry
        self.webhooks = webhooks
    }
}

/// What is done about a provider's file that an upload which was cut off may have left.
package enum LostUploads: String, Sendable {
    /// It is deleted, if nothing else can have made it that this registry knows of.
    case delete
    /// The log tells it: others upload to the same account.
    case report
}
