extension GatewayConfiguration {
    /// What differs from another configuration and is looked at when the gateway starts only.
    ///
    /// - Parameter running: What the gateway was started with.
    /// - Returns: The keys, such as `general_settings.master_key`.
    package func keysForRestart(since running: GatewayConfiguration) -> [String] {
        let (new, old) = (general, running.general)
        let general: [(String, Bool)] = [
            ("master_key", new.masterKey == old.masterKey),
            ("database_url", new.databaseURL == old.databaseURL),
            ("id_format", new.fileIDFormat == old.fileIDFormat),
            ("uploads_disk_mb", new.uploadsDiskBytes == old.uploadsDiskBytes),
            ("uploads_folder", new.uploadsFolder == old.uploadsFolder),
            ("drain_seconds", new.drainTimeout == old.drainTimeout),
            ("sweep_seconds", new.sweepInterval == old.sweepInterval),
            ("batch_poll_seconds", new.batchPollInterval == old.batchPollInterval),
            ("batch_lost_seconds", new.batchLossAge == old.batchLossAge),
            ("stale_seconds", new.staleAge == old.staleAge),
            ("lost_uploads", new.lostUploads == old.lostUploads),
            ("webhooks", WebhookSettings.areSame(new.webhooks, old.webhooks)),
        ]
        let network: [(String, Bool)] = [
            ("litellm_settings.ssl_verify", self.network.trustRoots?.text == running.network.trustRoots?.text),
            ("HTTP_PROXY", self.network.httpProxy?.text == running.network.httpProxy?.text),
            ("HTTPS_PROXY", self.network.httpsProxy?.text == running.network.httpsProxy?.text),
            ("NO_PROXY", self.network.proxyExceptions == running.network.proxyExceptions),
        ]
        return (general.map { ("general_settings.\($0.0)", $0.1) } + network).filter { !$0.1 }.map(\.0)
    }
}

extension WebhookSettings {
    /// Whether two mean the same, wherever they stand.
    fileprivate static func areSame(_ left: WebhookSettings?, _ right: WebhookSettings?) -> Bool {
        left?.url?.text == right?.url?.text && left?.secrets == right?.secrets
            && left?.allowedHosts == right?.allowedHosts && left?.privateHosts == right?.privateHosts
    }
}
