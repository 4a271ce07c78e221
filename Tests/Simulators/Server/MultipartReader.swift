import Foundation
import NIOCore

/// A multipart body breaks RFC 2046.
struct MultipartError: Error {
    let message: String
}

/// Reads a multipart body part by part while it arrives; holds one piece of it at a time.
final class MultipartReader {
    /// A part's head.
    struct Part {
        /// Names in lower case.
        let headers: [String: String]

        var contentType: String? { headers["content-type"] }

        /// A parameter of `Content-Disposition`.
        func disposition(_ name: String) -> String? {
            MediaParameters.parameters(of: headers["content-disposition"] ?? "")[name]
        }
    }

    private enum Place {
        case beforeFirst
        case inPart
        case afterDelimiter
        case atEnd
    }

    private static let headLimit = 16 * 1024

    private let request: Incoming
    private let delimiter: [UInt8]
    private var place = Place.beforeFirst
    // RFC 2046 §5.1.1: the line break before a delimiter belongs to it; the first delimiter may lack it.
    private var buffer = ByteBuffer(string: "\r\n")

    init(_ request: Incoming, boundary: String) {
        self.request = request
        delimiter = Array("\r\n--\(boundary)".utf8)
    }

    /// The head of the next part, nil after the last; what is left of the current part is skipped.
    func nextPart() async throws -> Part? {
        if place == .beforeFirst || place == .inPart {
            place = .inPart
            while try await nextPiece() != nil {}
        }
        guard place == .afterDelimiter else { return nil }
        if try await take(2) == Array("--".utf8) {
            place = .atEnd
            try await request.drain()
            return nil
        }
        buffer.moveReaderIndex(to: buffer.readerIndex - 2)
        var headers: [String: String] = [:]
        guard try await line().allSatisfy({ $0 == " " || $0 == "\t" }) else {
            throw MultipartError(message: "text after a boundary")
        }
        while case let line = try await line(), !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else {
                throw MultipartError(message: "a part's header is broken")
            }
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            headers[line[..<colon].lowercased()] = value
        }
        place = .inPart
        return Part(headers: headers)
    }

    /// The next piece of the current part's content, nil at its end.
    func nextPiece() async throws -> ByteBuffer? {
        guard place == .inPart else { return nil }
        while true {
            if let offset = find(delimiter) {
                if offset > 0 { return buffer.readSlice(length: offset) }
                buffer.moveReaderIndex(forwardBy: delimiter.count)
                place = .afterDelimiter
                return nil
            }
            let safe = buffer.readableBytes - delimiter.count + 1
            if safe > 0 { return buffer.readSlice(length: safe) }
            try await fill()
        }
    }

    /// The rest of the current part as text.
    func text(upTo limit: Int) async throws -> String {
        var text = ByteBuffer()
        while var piece = try await nextPiece() {
            guard text.readableBytes + piece.readableBytes <= limit else { throw BodyTooLarge(limit: limit) }
            text.writeBuffer(&piece)
        }
        guard let string = String(validating: text.readableBytesView, as: UTF8.self) else {
            throw MultipartError(message: "a text field is not UTF-8")
        }
        return string
    }

    private func line() async throws -> String {
        while true {
            if let offset = find([13, 10]) {
                let line = buffer.readString(length: offset) ?? ""
                buffer.moveReaderIndex(forwardBy: 2)
                return line
            }
            guard buffer.readableBytes < Self.headLimit else {
                throw MultipartError(message: "a part's head is too long")
            }
            try await fill()
        }
    }

    private func take(_ count: Int) async throws -> [UInt8] {
        while buffer.readableBytes < count { try await fill() }
        return buffer.readBytes(length: count) ?? []
    }

    private func fill() async throws {
        guard var piece = try await request.nextPiece() else {
            throw MultipartError(message: "the body ends before its last boundary")
        }
        buffer.discardReadBytes()
        buffer.writeBuffer(&piece)
    }

    private func find(_ needle: [UInt8]) -> Int? {
        buffer.withUnsafeReadableBytes { bytes -> Int? in
            guard let start = bytes.baseAddress, let first = needle.first else { return nil }
            var offset = 0
            while offset + needle.count <= bytes.count {
                // The C library looks for the first byte many times faster than a loop in a debug build does.
                let count = bytes.count - needle.count + 1 - offset
                guard let found = memchr(start + offset, Int32(first), count) else { return nil }
                if memcmp(found, needle, needle.count) == 0 { return UnsafeRawPointer(found) - start }
                offset = UnsafeRawPointer(found) - start + 1
            }
            return nil
        }
    }
}

/// Parameters of header values: `a; b=c; d="e"`.
enum MediaParameters {
    /// The parameters by their names in lower case.
    static func parameters(of value: String) -> [String: String] {
        var result: [String: String] = [:]
        var rest = value.drop { $0 != ";" }
        while !rest.isEmpty {
            rest = rest.drop { $0 == ";" || $0 == " " || $0 == "\t" }
            let name = rest.prefix { $0 != "=" && $0 != ";" }
            rest = rest.dropFirst(name.count)
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst()
            var text = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.popFirst(), character != "\"" {
                    let isEscape = character == "\\" && (rest.first == "\"" || rest.first == "\\")
                    text.append(isEscape ? rest.removeFirst() : character)
                }
                rest = rest.drop { $0 != ";" }
            } else {
                text = rest.prefix { $0 != ";" }.trimmingCharacters(in: .whitespaces)
                rest = rest.drop { $0 != ";" }
            }
            result[name.lowercased()] = text
        }
        return result
    }
}
