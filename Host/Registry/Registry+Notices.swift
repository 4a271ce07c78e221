import HostCore
import HostDatabase

extension Registry {
    /// Tells the other hosts that a file is not as they may remember it.
    static func announce(_ file: FileID, in connection: any DatabaseConnection) throws {
        try connection.publish(RegistryNotice.file(file).text)
    }

    /// Hears from now on what other hosts change; to be called once for a database.
    package func listenForChanges() { database.listen { [self] in hear($0) } }

    /// Forgets what another host has changed.
    func hear(_ notice: DatabaseNotice) {
        switch notice {
        case .published(let text):
            switch RegistryNotice(text) {
            case .file(let id): cachedFileRecords.remove([id])
            case .key(let digest): forget([digest])
            case .keys: forgetEverybody()
            // A newer version's: whatever it is about is known again within the age of a fresh value.
            case nil: break
            }
        case .interrupted:
            keys.expireAll()
            unknownKeys.expireAll()
            cachedFileRecords.expireAll()
            cachedModels.expireAll()
        }
    }
}
