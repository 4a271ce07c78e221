import Foundation
import Synchronization

/// Buckets, objects and upload sessions.
struct CloudStorage: Sendable {
    let objects: StoredObjects
    let sessions: UploadSessions
    let blobs: BlobStore

    init(directory: URL, blobs: BlobStore, clock: SimulatedClock) throws {
        self.blobs = blobs
        objects = try StoredObjects(directory: directory, blobs: blobs)
        sessions = try UploadSessions(directory: directory, blobs: blobs, clock: clock)
    }

    func reset() throws {
        try sessions.reset()
        try objects.reset()
    }
}

/// The objects of all buckets, and whose the buckets are.
final class StoredObjects: Sendable {
    private struct Bucket: Codable {
        let name: String
        let account: String
    }

    private struct State {
        var buckets: [String: Bucket]
        var objects: [String: [String: StoredObject]]
        var lastGeneration: Int
    }

    private let blobs: BlobStore
    private let bucketRecords: RecordStore<Bucket>
    private let objectRecords: RecordStore<StoredObject>
    private let state: Mutex<State>

    init(directory: URL, blobs: BlobStore) throws {
        self.blobs = blobs
        bucketRecords = try RecordStore(directory: directory.appending(path: "buckets"))
        objectRecords = try RecordStore(directory: directory.appending(path: "objects"))
        let buckets = try bucketRecords.all()
        let objects = try objectRecords.all()
        state = Mutex(
            State(
                buckets: Dictionary(uniqueKeysWithValues: buckets.map { ($0.name, $0) }),
                objects: objects.reduce(into: [:]) { $0[$1.bucket, default: [:]][$1.name] = $1 },
                lastGeneration: objects.map(\.generation).max() ?? 0
            )
        )
    }

    /// Lets an account use a bucket: one named `sim-…` belongs to the first that does.
    ///
    /// - Throws: ``GoogleError`` 404 for other names, 403 for another account's bucket.
    func enter(_ bucket: String, grant: AccessGrant, for permission: String) throws {
        guard bucket.hasPrefix("sim-"), bucket.count <= 63,
            bucket.allSatisfy({ $0.isASCII && ($0.isLowercase || $0.isNumber || "-_.".contains($0)) })
        else { throw GoogleError.storage(404, "notFound", "The specified bucket does not exist.") }
        let owner = try state.withLock { state in
            if let known = state.buckets[bucket] { return known.account }
            let new = Bucket(name: bucket, account: grant.account)
            try bucketRecords.save(new, id: bucket)
            state.buckets[bucket] = new
            return new.account
        }
        guard owner == grant.account else {
            let message =
                "\(grant.account)@\(grant.project).iam.gserviceaccount.com does not have storage.\(permission) "
                + "access to the Google Cloud Storage object. Permission 'storage.\(permission)' denied on resource "
                + "(or it may not exist)."
            throw GoogleError.storage(403, "forbidden", message)
        }
    }

    /// The object of that name.
    func object(_ name: String, in bucket: String) -> StoredObject? {
        state.withLock { $0.objects[bucket]?[name] }
    }

    /// The objects of a bucket in the order of their names' bytes.
    func all(in bucket: String) -> [StoredObject] {
        let objects = state.withLock { state in state.objects[bucket].map { Array($0.values) } ?? [] }
        return objects.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Stores an object and removes the one it replaces, whose generation must be `generationMatch` if that is given; 0
    /// means that there must be none, and a mismatch is a ``GoogleError`` 412.
    func insert(
        _ blob: Blob,
        in bucket: String,
        of account: String,
        as description: StoredObject.Description,
        generationMatch: Int?,
        at milliseconds: Int
    ) throws -> StoredObject {
        let (object, replaced) = try state.withLock { state in
            let old = state.objects[bucket]?[description.name]
            try Self.check(old, against: generationMatch)
            state.lastGeneration = max(state.lastGeneration + 1, milliseconds * 1000)
            let object = StoredObject(
                bucket: bucket,
                account: account,
                description: description,
                generation: state.lastGeneration,
                createdAt: milliseconds / 1000,
                blob: blob
            )
            try objectRecords.save(object, id: blob.id)
            state.objects[bucket, default: [:]][description.name] = object
            return (object, old)
        }
        if let replaced { try forget(replaced) }
        return object
    }

    /// Refuses what would break a precondition.
    ///
    /// - Throws: ``GoogleError`` 412.
    static func check(_ object: StoredObject?, against generationMatch: Int?) throws {
        guard let generationMatch, generationMatch != object?.generation ?? 0 else { return }
        throw GoogleError.storage(
            412,
            "conditionNotMet",
            "At least one of the pre-conditions you specified did not hold."
        )
    }

    func remove(_ object: StoredObject) throws {
        state.withLock { state in
            guard state.objects[object.bucket]?[object.name]?.generation == object.generation else { return }
            state.objects[object.bucket]?[object.name] = nil
        }
        try forget(object)
    }

    /// Removes every object and lets every bucket go.
    func reset() throws {
        let (objects, buckets) = state.withLock { state in
            let all = (state.objects.values.flatMap(\.values), state.buckets.keys)
            (state.objects, state.buckets) = ([:], [:])
            return all
        }
        for object in objects { try forget(object) }
        for bucket in buckets { try bucketRecords.remove(id: bucket) }
    }

    /// What `GET /_sim/state` shows.
    var json: JSON {
        let objects = state.withLock { $0.objects.values.flatMap(\.values) }
        return .array(objects.sorted { $0.generation < $1.generation }.map(\.state))
    }

    private func forget(_ object: StoredObject) throws {
        try objectRecords.remove(id: object.blob.id)
        try blobs.remove(object.blob.id)
    }
}
