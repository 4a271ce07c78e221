import Foundation
import HTTPTypes

/// `POST /v1/files`: a multipart form of exactly `purpose`, `file` and, where wanted, `expires_after[…]`.
struct OpenAIFileUpload {
    private static let largestFile = 4 << 30
    private static let largestField = 4096
    private static let batchLifetime = 30 * 24 * 3600
    private static let lifetimes = 3600...2_592_000

    let files: OpenAIFiles
    let account: String
    let clock: SimulatedClock

    private struct Upload {
        let filename: String
        let mimeType: String
        let blob: Blob
    }

    func create(_ request: Incoming) async throws -> Reply {
        guard request.mediaType == "multipart/form-data",
            let boundary = MediaParameters.parameters(of: request.headers[.contentType] ?? "")["boundary"],
            (1...70).contains(boundary.count)
        else { throw OpenAIError.invalid("Could not parse multipart form: Content-Type must be multipart/form-data.") }
        var fields: [String: String] = [:]
        var upload: Upload?
        do {
            let reader = MultipartReader(request, boundary: boundary)
            while let part = try await reader.nextPart() {
                let name = part.disposition("name") ?? ""
                try Self.check(name, isRepeated: fields[name] != nil || (name == "file" && upload != nil))
                if name == "file" {
                    upload = try await store(part, from: reader)
                } else {
                    fields[name] = try await reader.text(upTo: Self.largestField)
                }
            }
            let file = try file(of: upload, fields: fields)
            try files.insert(file)
            return .json(file.json)
        } catch {
            if let upload { try files.blobs.remove(upload.blob.id) }
            throw error
        }
    }

    private static func check(_ name: String, isRepeated: Bool) throws {
        guard ["purpose", "file", "expires_after[anchor]", "expires_after[seconds]"].contains(name) else {
            throw OpenAIError.invalid("Unknown parameter: '\(name)'.", param: name, code: "unknown_parameter")
        }
        guard !isRepeated else {
            throw OpenAIError.invalid("Duplicate parameter: '\(name)'.", param: name, code: "duplicate_parameter")
        }
    }

    private func store(_ part: MultipartReader.Part, from reader: MultipartReader) async throws -> Upload {
        guard let filename = part.disposition("filename"), !filename.isEmpty else {
            throw OpenAIError.invalid("'file' must be a file with a filename.", param: "file")
        }
        let writer = try files.blobs.writer()
        do {
            while let piece = try await reader.nextPiece() {
                try writer.append(piece)
                guard writer.bytes <= Self.largestFile else {
                    throw OpenAIError(status: 413, message: "File exceeds the maximum size of 4 GB.", param: "file")
                }
            }
            let mimeType = part.contentType ?? "application/octet-stream"
            return Upload(filename: filename, mimeType: mimeType, blob: try writer.finish())
        } catch {
            writer.discard()
            throw error
        }
    }

    private func file(of upload: Upload?, fields: [String: String]) throws -> OpenAIFile {
        guard let upload else { throw OpenAIError.invalid("'file' is a required property", param: "file") }
        guard let purpose = fields["purpose"] else {
            throw OpenAIError.invalid("'purpose' is a required property", param: "purpose")
        }
        guard OpenAIFile.purposes.contains(purpose) else {
            let list = OpenAIFile.purposes.map { "'\($0)'" }.joined(separator: ", ")
            throw OpenAIError.invalid("'\(purpose)' is not one of [\(list)] - 'purpose'", param: "purpose")
        }
        if ["batch", "fine-tune"].contains(purpose), !upload.filename.lowercased().hasSuffix(".jsonl") {
            throw OpenAIError.invalid("Invalid file format for purpose \(purpose). Must be .jsonl", param: "file")
        }
        let lifetime = try lifetime(of: fields) ?? (purpose == "batch" ? Self.batchLifetime : nil)
        let now = clock.unixSeconds
        return OpenAIFile(
            id: "file-" + RandomName.alphanumeric(22),
            number: files.nextNumber(),
            account: account,
            filename: upload.filename,
            purpose: purpose,
            mimeType: upload.mimeType,
            createdAt: now,
            expiresAt: lifetime.map { now + $0 },
            blob: upload.blob
        )
    }

    private func lifetime(of fields: [String: String]) throws -> Int? {
        let (anchor, seconds) = (fields["expires_after[anchor]"], fields["expires_after[seconds]"])
        if anchor == nil, seconds == nil { return nil }
        guard anchor == "created_at" else {
            throw OpenAIError.invalid(
                "Invalid value for 'expires_after.anchor': expected 'created_at'.",
                param: "expires_after.anchor",
                code: "invalid_value"
            )
        }
        guard let seconds = seconds.flatMap(Int.init), Self.lifetimes.contains(seconds) else {
            throw OpenAIError.invalid(
                "Invalid value for 'expires_after.seconds': expected an integer between 3600 and 2592000.",
                param: "expires_after.seconds",
                code: "invalid_value"
            )
        }
        return seconds
    }
}
