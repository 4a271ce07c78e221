import GantryPlugin

/// Reads the answers to requests that succeeded.
enum Responses {
    private static let statuses = ["uploaded", "processed", "error"]

    /// The answer as an object.
    /// - Throws: ``Failure`` with `.upstreamProtocol` if it is none.
    static func object(_ body: [UInt8]) throws(Failure) -> JSON {
        let value: JSON
        do throws(JSONError) {
            value = try JSON(parsing: body)
        } catch {
            throw malformed("is not JSON: \(error)")
        }
        guard value.object != nil else { throw malformed("is not an object") }
        return value
    }

    /// The id of what the answer describes.
    static func id(of answer: JSON) throws(Failure) -> String {
        guard let id = answer["id"]?.string, !id.isEmpty else { throw malformed("has no id") }
        return id
    }

    /// The result that describes a file; `bytes` is the length to tell if the answer has none.
    static func file(_ answer: JSON, id: String, bytes: Int64?) -> JSON {
        var file = JSONObject()
        file.append(name: "id", value: .string(id))
        if let bytes = answer["bytes"]?.integer ?? bytes {
            file.append(name: "bytes", value: .number(JSONNumber(bytes)))
        }
        // Servers that speak OpenAI's format have more statuses; what they mean is that the file is there.
        let status = answer["status"]?.string.flatMap { statuses.contains($0) ? $0 : nil } ?? "uploaded"
        file.append(name: "status", value: .string(status))
        if let expiry = answer["expires_at"]?.integer {
            file.append(name: "expires_at", value: .number(JSONNumber(expiry)))
        }
        return .object(file)
    }

    /// The result that describes one page of files.
    static func list(_ answer: JSON) throws(Failure) -> JSON {
        guard let elements = answer["data"]?.array else { throw malformed("has no data") }
        var files: [JSON] = []
        files.reserveCapacity(elements.count)
        var last: String?
        for element in elements {
            let id = try id(of: element)
            files.append(entry(element, id: id))
            last = id
        }
        var page = JSONObject()
        page.append(name: "data", value: .array(files))
        if answer["has_more"]?.bool == true, let last { page.append(name: "next", value: .string(last)) }
        return .object(page)
    }

    /// The result of a search: of a page, newest first, what fits; there is no next page once they are too
    /// old.
    ///
    /// - Parameters:
    ///   - answer: The provider's page.
    ///   - since: Unix seconds; what is looked for is not older.
    ///   - fits: Whether it is what is looked for.
    /// - Returns: `{"data":[{"id","bytes"}],"next"}`.
    /// - Throws: ``Failure`` with `.upstreamProtocol` for an answer that is no page.
    static func matches(in answer: JSON, since: Int64, where fits: (JSON) -> Bool) throws(Failure) -> JSON {
        guard let elements = answer["data"]?.array else { throw malformed("has no data") }
        var found: [JSON] = []
        for element in elements where fits(element) {
            found.append(entry(element, id: try id(of: element)))
        }
        var page = JSONObject()
        page.append(name: "data", value: .array(found))
        if answer["has_more"]?.bool == true, let last = elements.last,
            last["created_at"]?.integer ?? 0 >= since
        {
            page.append(name: "next", value: .string(try id(of: last)))
        }
        return .object(page)
    }

    /// What a list says of one thing; a file has a length.
    private static func entry(_ element: JSON, id: String) -> JSON {
        var entry = JSONObject()
        entry.append(name: "id", value: .string(id))
        if let bytes = element["bytes"]?.integer { entry.append(name: "bytes", value: .number(JSONNumber(bytes))) }
        return .object(entry)
    }

    /// What the provider tells of one thing, whose id it must be.
    static func object(_ body: [UInt8], id: String) throws(Failure) -> JSON {
        let answer = try object(body)
        guard try self.id(of: answer) == id else { throw malformed("is about something else than what was asked for") }
        return answer
    }

    /// The result that describes a batch or a job: what the provider tells, without what is null.
    ///
    /// What a status means that nobody knows is for the host to say.
    static func described(_ answer: JSON) throws(Failure) -> JSON {
        guard answer["status"]?.string != nil else { throw malformed("has no status") }
        var description = JSONObject()
        for member in answer.object?.members ?? [] where !member.value.isNull {
            description.append(name: member.name, value: member.value)
        }
        return .object(description)
    }

    static func malformed(_ what: String) -> Failure {
        Failure(
            .upstreamProtocol,
            "The provider's answer \(what); check that `api_base` is the API's URL.",
            mayFallBack: true
        )
    }
}
