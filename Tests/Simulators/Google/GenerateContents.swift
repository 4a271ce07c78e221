import Crypto
import Foundation

/// Checks the contents of a `generateContent` request and gathers what the answer speaks of.
struct GenerateContents {
    private static let kinds = [
        "text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult",
    ]

    let storage: CloudStorage
    let grant: AccessGrant

    /// Reads contents that have their shape already.
    ///
    /// - Returns: The answer to give; `model` is the name it begins with.
    func answer(to request: JSON, model: String) throws -> AnswerText {
        let contents = request["contents"]?.array ?? []
        guard !contents.isEmpty else {
            throw GoogleError.invalid("Unable to submit request because at least one contents field is required.")
        }
        try checkInstruction(request["systemInstruction"])
        var answer = AnswerText(model: model)
        var openCalls = 0
        for (index, content) in contents.enumerated() {
            let role = content["role"]?.string ?? "user"
            guard ["user", "model", "function"].contains(role) else {
                throw GoogleError.invalid("Please use a valid role: user, model.")
            }
            let parts = content["parts"]?.array ?? []
            guard !parts.isEmpty else {
                throw GoogleError.invalid("Unable to submit request because it must include at least one parts field.")
            }
            var texts: [String] = []
            for (place, part) in parts.enumerated() {
                try read(part, role: role, at: "contents[\(index)].parts[\(place)]", into: &answer, &texts)
            }
            if role == "user", !texts.isEmpty { answer.question = texts.joined(separator: " ") }
            openCalls = try Self.checkCalls(parts, open: openCalls)
        }
        guard contents.last?["role"]?.string != "model" else {
            throw GoogleError.invalid(
                "Please ensure that multiturn requests end with a user role or a function response."
            )
        }
        return answer
    }

    private func checkInstruction(_ instruction: JSON?) throws {
        guard let instruction else { return }
        let parts = instruction["parts"]?.array ?? []
        guard !parts.isEmpty, parts.allSatisfy({ $0["text"] != nil && $0.object?.keys.count == 1 }) else {
            throw GoogleError.invalid("System instruction only supports text parts.")
        }
    }

    /// Each turn of calls is answered by a turn of as many responses.
    private static func checkCalls(_ parts: [JSON], open: Int) throws -> Int {
        let responses = parts.filter { $0["functionResponse"] != nil }.count
        guard responses == open else {
            throw GoogleError.invalid(
                "Please ensure that the number of function response parts is equal to the number of function call parts "
                    + "of the function call turn."
            )
        }
        return parts.filter { $0["functionCall"] != nil }.count
    }

    private func read(
        _ part: JSON,
        role: String,
        at path: String,
        into answer: inout AnswerText,
        _ texts: inout [String]
    ) throws {
        let kinds = Self.kinds.filter { part[$0] != nil }
        guard let kind = kinds.first, kinds.count == 1, let value = part[kind] else {
            throw GoogleError.invalid("'\(path)': required oneof field 'data' must have one initialized field")
        }
        if let signature = part["thoughtSignature"]?.string, Data(base64Encoded: signature) == nil {
            throw GoogleError.invalid("Invalid value at '\(path).thought_signature': Base64 decoding failed.")
        }
        switch kind {
        case "text" where part["thought"]?.bool != true: texts.append(value.string ?? "")
        case "inlineData": answer.attachments.append(try inline(value, at: "\(path).inline_data"))
        case "fileData": answer.attachments.append(try file(value, at: "\(path).file_data"))
        case "functionCall" where role != "model", "functionResponse" where role == "model":
            throw GoogleError.invalid("'\(path)': \(kind) does not belong to the role \(role).")
        case "functionCall", "functionResponse":
            guard let name = value["name"]?.string, !name.isEmpty else {
                throw GoogleError.invalid("'\(path).name': Name cannot be empty.")
            }
            if kind == "functionResponse" {
                guard let response = value["response"] else {
                    throw GoogleError.invalid("'\(path).response': missing field.")
                }
                answer.toolResults.append((name, response.text))
            }
        default: break
        }
    }

    private func inline(_ value: JSON, at path: String) throws -> Attachment {
        guard let type = value["mimeType"]?.string, type.contains("/") else {
            throw GoogleError.invalid(
                "Unable to submit request because it must have a mimeType parameter at '\(path)'."
            )
        }
        guard let data = Data(base64Encoded: value["data"]?.string ?? "-"), !data.isEmpty else {
            throw GoogleError.invalid("Invalid value at '\(path).data' (TYPE_BYTES), Base64 decoding failed.")
        }
        let digest = SHA256.hash(data: data).hexadecimal
        let name = value["displayName"]?.string
        return Attachment(kind: Self.kind(of: type), name: name, mimeType: type, bytes: data.count, sha256: digest)
    }

    private func file(_ value: JSON, at path: String) throws -> Attachment {
        guard let type = value["mimeType"]?.string, type.contains("/") else {
            throw GoogleError.invalid(
                "Unable to submit request because it must have a mimeType parameter at '\(path)'. Add a mimeType parameter "
                    + "and try again."
            )
        }
        guard let uri = value["fileUri"]?.string, !uri.isEmpty else {
            throw GoogleError.invalid("Unable to submit request because it must have a fileUri parameter at '\(path)'.")
        }
        if uri.hasPrefix("https://") {
            return Attachment(kind: Self.kind(of: type), name: uri, mimeType: type, bytes: nil, sha256: nil)
        }
        let parts = uri.dropFirst(5).split(separator: "/", maxSplits: 1).map(String.init)
        guard uri.hasPrefix("gs://"), parts.count == 2 else {
            throw GoogleError.invalid("Unable to submit request because the fileUri \(uri) is invalid.")
        }
        let object = try object(parts[1], in: parts[0], uri: uri)
        guard object.description.contentType == type else {
            throw GoogleError.invalid(
                "Unable to submit request because the mimeType \(type) of \(uri) does not match the object's content type "
                    + "\(object.description.contentType)."
            )
        }
        let name = object.description.metadata["filename"] ?? object.name.split(separator: "/").last.map(String.init)
        let blob = object.blob
        return Attachment(kind: Self.kind(of: type), name: name, mimeType: type, bytes: blob.bytes, sha256: blob.sha256)
    }

    private func object(_ name: String, in bucket: String, uri: String) throws -> StoredObject {
        do {
            try storage.objects.enter(bucket, grant: grant, for: "objects.get")
        } catch let error as GoogleError where error.status == 403 {
            throw GoogleError.rpc(403, "PERMISSION_DENIED", error.message)
        } catch let error as GoogleError {
            throw GoogleError.rpc(404, "NOT_FOUND", error.message)
        }
        guard let object = storage.objects.object(name, in: bucket) else {
            throw GoogleError.rpc(404, "NOT_FOUND", "The object \(uri) was not found.")
        }
        return object
    }

    private static func kind(of mimeType: String) -> String {
        switch mimeType.split(separator: "/").first {
        case "image": "image"
        case "audio": "recording"
        default: "file"
        }
    }
}
