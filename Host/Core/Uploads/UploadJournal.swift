/// Where it is written down which uploads take parts, and which parts they have.
package protocol UploadJournal: Sendable {
    /// Ends uploads whose time has passed and that nobody is completing.
    func expireUploads() async throws
    /// Those of these uploads that can still be completed.
    func openUploads(among ids: Set<RecordUUID>) async throws -> Set<RecordUUID>
    /// The parts that an upload has, in no order.
    func parts(of upload: ObjectID) async throws -> [UploadPart]
}
