import HostCore
import HostDatabase

extension Registry {
    private static let filePrefix = "file:"

    /// Tells the other hosts that a file is not as they may remember it.
    static func announce(_ file: FileID, in connection: any DatabaseConnection) throws {
        try connection.publish(filePrefix + file.uuid.text)
    }

    /// Forgets what another host has changed.
    func hear(_ notice: DatabaseNotice) {
        switch notice {
        case .published(let text) where text.hasPrefix(Self.filePrefix):
            guard let uuid = RecordUUID(text: text.dropFirst(Self.filePrefix.count)) else { return }
            cachedFileRecords.remove([FileID(uuid: uuid)])
        case .published: break
        case .interrupted:
            keys.expireAll()
            unknownKeys.expireAll()
            cachedFileRecords.expireAll()
        }
    }
}
