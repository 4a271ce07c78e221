import Foundation

/// Answers `GET /storage/v1/b/{bucket}/o`.
struct StorageList {
    private static let largestPage = 1000

    let objects: StoredObjects
    let bucket: String

    func reply(to request: Incoming) throws -> Reply {
        let limit = try limit(of: request)
        let (prefix, delimiter) = (request.query("prefix") ?? "", request.query("delimiter") ?? "")
        let after = try request.query("pageToken").map(name(ofToken:))
        var items: [JSON] = []
        var prefixes: [String] = []
        var last: String?
        var hasMore = false
        for object in objects.all(in: bucket) where object.name.hasPrefix(prefix) {
            guard after.map({ isBefore($0, object.name) }) ?? true,
                request.query("startOffset").map({ !isBefore(object.name, $0) }) ?? true,
                request.query("endOffset").map({ isBefore(object.name, $0) }) ?? true
            else { continue }
            let folder = folder(of: object.name, prefix: prefix, delimiter: delimiter)
            if let folder, folder == prefixes.last {
                last = object.name
                continue
            }
            guard items.count + prefixes.count < limit else {
                hasMore = true
                break
            }
            if let folder { prefixes.append(folder) } else { items.append(object.json(request.origin)) }
            last = object.name
        }
        return .json(
            .members([
                "kind": "storage#objects", "items": items.isEmpty ? nil : .array(items),
                "prefixes": prefixes.isEmpty ? nil : .array(prefixes.map(JSON.string)),
                "nextPageToken": hasMore ? last.map { .string(Base64URL.text(of: Data($0.utf8))) } : nil,
            ])
        )
    }

    private func limit(of request: Incoming) throws -> Int {
        guard let text = request.query("maxResults") else { return Self.largestPage }
        guard let limit = Int(text), limit >= 1 else {
            throw GoogleError.storage(400, "invalid", "Invalid value for maxResults: \(text)")
        }
        return min(limit, Self.largestPage)
    }

    private func name(ofToken token: String) throws -> String {
        guard let data = Base64URL.data(of: token), let name = String(validating: data, as: UTF8.self) else {
            throw GoogleError.storage(400, "invalid", "Invalid pageToken.")
        }
        return name
    }

    private func folder(of name: String, prefix: String, delimiter: String) -> String? {
        let rest = name.dropFirst(prefix.count)
        guard !delimiter.isEmpty, let range = rest.range(of: delimiter) else { return nil }
        return prefix + rest[..<range.upperBound]
    }

    private func isBefore(_ first: String, _ second: String) -> Bool {
        first.utf8.lexicographicallyPrecedes(second.utf8)
    }
}
