import HostCore
import HostTransfer
import NIOCore

/// Builds and reads multipart bodies for the suites of this folder.
enum MultipartBodies {
    static let boundary = "AaB03x"
    static let contentType = "multipart/form-data; boundary=AaB03x"

    /// One part; header lines without their line ends.
    static func part(_ headers: [String], _ content: [UInt8]) -> [UInt8] {
        Array("--\(boundary)\r\n\(headers.map { $0 + "\r\n" }.joined())\r\n".utf8) + content + Array("\r\n".utf8)
    }

    static func field(_ name: String, _ value: String) -> [UInt8] {
        part(["Content-Disposition: form-data; name=\"\(name)\""], Array(value.utf8))
    }

    static func file(_ filename: String, _ content: [UInt8], contentType: String? = "text/plain") -> [UInt8] {
        part(
            ["Content-Disposition: form-data; name=\"file\"; filename=\"\(filename)\""]
                + (contentType.map { ["Content-Type: \($0)"] } ?? []),
            content
        )
    }

    static let end = Array("--\(boundary)--\r\n".utf8)
}

/// A part with all its content.
struct WholePart: Equatable {
    let part: MultipartPart
    var content: [UInt8]
}

/// Reads a body that comes in the given pieces.
func parts(of pieces: some Sequence<ArraySlice<UInt8>>, limits: MultipartReader.Limits = .init()) throws -> [WholePart]
{
    var reader = MultipartReader(
        try MultipartBoundary(contentType: MultipartBodies.contentType),
        limits: limits
    )
    var found: [WholePart] = []
    var isFinished = false
    for piece in pieces {
        reader.append(ByteBuffer(bytes: piece))
        while let event = try reader.next() {
            precondition(!isFinished, "an event after the last one")
            switch event {
            case .partBegan(let part): found.append(WholePart(part: part, content: []))
            case .partBytes(let bytes):
                precondition(bytes.readableBytes > 0, "an empty piece of content")
                found[found.count - 1].content += bytes.readableBytesView
            case .partEnded: continue
            case .finished: isFinished = true
            }
        }
    }
    try reader.finish()
    return found
}

/// Reads a body that comes in one piece.
func parts(of body: [UInt8], limits: MultipartReader.Limits = .init()) throws -> [WholePart] {
    try parts(of: [body[...]], limits: limits)
}
