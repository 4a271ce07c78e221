import Foundation
import GantryPlugin
import PluginHarness

@testable import VertexAIAdapter

/// A bucket and jobs in memory, which answer an operation's requests until it ends.
final class FakeGoogle {
    /// What a request gets.
    struct Reply {
        var status: Int32 = 200
        var body = ""
        var headers: [(String, String)] = []
    }

    /// What happens to a request in the place of its answer.
    enum Fault {
        case reply(Reply)
        /// The connection breaks.
        case breaks
        /// The connection breaks when this many bytes of the piece have been kept.
        case breaksAfter(Int)
        /// The request is done, and its answer is lost.
        case losesAnswer
    }

    static let jobName = "projects/4711/locations/us-central1/batchPredictionJobs/99"

    private(set) var objects: [String: [UInt8]] = [:]
    /// By their resource's name.
    var jobs: [String: JSON] = [:]
    /// The requests' methods and URLs, in order.
    private(set) var requests: [ProbeCommand] = []
    /// Asked for every request.
    var fault: (_ request: ProbeCommand, _ number: Int) -> Fault? = { _, _ in nil }
    private(set) var waits: [UInt64] = []
    private var sessions: [String: (name: String, bytes: [UInt8])] = [:]
    /// Sessions that have been begun and neither finished nor ended.
    var openSessions: Int { sessions.count }

    func put(_ name: String, _ text: String) { objects[name] = Array(text.utf8) }
    func put(_ name: String, _ bytes: [UInt8]) { objects[name] = bytes }
    func text(_ name: String) -> String? { objects[name].map { String(decoding: $0, as: UTF8.self) } }

    func remove(_ name: String) { objects[name] = nil }

    /// The lines of an object as documents.
    func lines(_ name: String) throws -> [JSON] {
        try (objects[name] ?? []).split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
    }

    /// Serves an operation until it ends, or until it has sent `limit` requests; then it is freed, as by a crash.
    func serve(_ probe: OperationProbe, lines: [SourceLine] = [], limit: Int = .max) {
        var (next, served) = (0, 0)
        var lines = lines[...]
        while !probe.isOver, next < probe.commands.count {
            let command = probe.commands[next]
            next += 1
            switch command.kind {
            case .token: probe.token("t")
            case .wait:
                waits.append(command.value)
                probe.timer()
            case .pull:
                if let line = lines.popFirst() { probe.line(line) } else { probe.endOfSource() }
            case .http:
                guard served < limit else { return probe.free() }
                served += 1
                requests.append(command)
                answer(command, to: probe)
            default: break
            }
        }
    }

    private func answer(_ request: ProbeCommand, to probe: OperationProbe) {
        switch fault(request, requests.count) {
        case .reply(let reply)?: probe.respond(reply.status, reply.body, headers: reply.headers)
        case .breaks?: probe.failed(4)
        case .losesAnswer?:
            _ = reply(to: request)
            probe.failed(4)
        case .breaksAfter(let count)?:
            let id = Self.query(request.url)["upload_id"] ?? ""
            sessions[id]?.bytes += request.bodyBytes().prefix(count)
            probe.failed(4)
        case nil:
            let (reply, body) = reply(to: request)
            _ = probe.head(status: reply.status, headers: reply.headers)
            if !body.isEmpty { _ = probe.data(body) }
            _ = probe.end()
        }
    }

    private func reply(to request: ProbeCommand) -> (Reply, [UInt8]) {
        if request.url.contains("storage.googleapis.com"), !request.url.contains("/upload/") { return stored(request) }
        let reply = request.url.contains("/upload/") ? upload(request) : job(request)
        return (reply, Array(reply.body.utf8))
    }

    private func upload(_ request: ProbeCommand) -> Reply {
        let query = Self.query(request.url)
        let name = query["name"] ?? ""
        switch (request.method, query["uploadType"], query["upload_id"]) {
        case ("POST", "media", _):
            objects[name] = request.bodyBytes()
            return Reply(body: #"{"size":"0"}"#)
        case ("POST", _, nil):
            guard query["ifGenerationMatch"] != "0" || objects[name] == nil else { return Reply(status: 412) }
            let id = "s\(requests.count)"
            sessions[id] = (name, [])
            return Reply(headers: [
                ("location", "https://storage.googleapis.com/upload/storage/v1/b/bucket/o?upload_id=\(id)")
            ])
        case ("DELETE", _, let id?):
            sessions[id] = nil
            return Reply(status: 499)
        case ("PUT", _, let id?): return piece(request, id)
        default: return Reply(status: 400)
        }
    }

    private func piece(_ request: ProbeCommand, _ id: String) -> Reply {
        guard var session = sessions[id] else { return Reply(status: 410) }
        let range = (request.header("content-range")?.value ?? "").dropFirst(6).split(separator: "/").map(String.init)
        let body = request.bodyBytes()
        if range.first != "*" {
            let first = Int(range[0].split(separator: "-")[0]) ?? -1
            let isLast = Int(range[1]) == first + body.count
            guard first == session.bytes.count, isLast || body.count.isMultiple(of: 256 << 10), !body.isEmpty else {
                return Reply(status: 400, body: "The chunk does not fit.")
            }
            session.bytes += body
        }
        sessions[id] = session
        guard Int(range[1]) != session.bytes.count else {
            sessions[id] = nil
            objects[session.name] = session.bytes
            return Reply(body: #"{"size":"\#(session.bytes.count)"}"#)
        }
        let stored = session.bytes.count
        return Reply(status: 308, headers: stored > 0 ? [("range", "bytes=0-\(stored - 1)")] : [])
    }

    private func stored(_ request: ProbeCommand) -> (Reply, [UInt8]) {
        let query = Self.query(request.url)
        let path = request.url.split(separator: "?")[0].split(separator: "/o/", maxSplits: 1).map(String.init)
        guard path.count == 2 else {
            let names = objects.keys.filter { $0.hasPrefix(query["prefix"] ?? "") }.sorted()
            let items = names.map { #"{"name":"\#($0)","size":"\#(objects[$0]?.count ?? 0)","generation":"7"}"# }
            return (Reply(), Array(#"{"items":[\#(items.joined(separator: ","))]}"#.utf8))
        }
        let name = path[1].removingPercentEncoding ?? ""
        guard let bytes = objects[name] else { return (Reply(status: 404), []) }
        if request.method == "DELETE" {
            objects[name] = nil
            return (Reply(status: 204), [])
        }
        let ends = (request.header("range")?.value ?? "").dropFirst(6).split(separator: "-").compactMap { Int($0) }
        guard ends.count == 2, ends[1] < bytes.count else { return (Reply(status: 416), []) }
        return (Reply(status: 206), Array(bytes[ends[0]...ends[1]]))
    }

    private func job(_ request: ProbeCommand) -> Reply {
        let path = request.url.split(separator: "?")[0].split(separator: "/v1/")[1]
        if request.method == "POST", !path.hasSuffix(":cancel") {
            var job = Wire.document(request.bodyBytes())?.object ?? JSONObject()
            let collection = path.split(separator: "/").last ?? ""
            let name = "projects/4711/locations/us-central1/\(collection)/99"
            job["name"] = .string(name)
            job["state"] = "JOB_STATE_PENDING"
            job["createTime"] = "2026-11-23T03:10:00.5Z"
            jobs[name] = .object(job)
            return Reply(body: JSON.object(job).text)
        }
        let name = String(path.replacing(":cancel", with: ""))
        guard let job = jobs[name] else { return Reply(status: 404, body: #"{"error":{"code":404}}"#) }
        return Reply(body: request.method == "POST" ? "{}" : job.text)
    }

    private static func query(_ url: String) -> [String: String] {
        let query = url.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
        return query.split(separator: "&").reduce(into: [:]) { result, field in
            let parts = field.split(separator: "=", maxSplits: 1).map(String.init)
            result[parts[0]] = parts.count > 1 ? parts[1].removingPercentEncoding : ""
        }
    }
}
