import NIOCore

/// Writes the head of a request in one pass into a buffer of the right size.
///
/// NIO's encoder wants `HTTPRequestHead` and `HTTPHeaders`, which would be built only to be taken apart again.
enum RequestHeadEncoder {
    /// Writes the head as the endpoint wants it, or as a proxy does that passes the request on.
    static func encode(_ request: UpstreamRequest, through proxy: UpstreamProxy?, into buffer: inout ByteBuffer) {
        let contentLength = request.contentLength.map { String($0) }
        // RFC 9112 §3.2.2: a proxy is told the whole URL.
        let target = proxy == nil ? request.url.target : request.url.description
        var size = request.method.utf8.count + target.utf8.count + request.url.authority.utf8.count
        size += " ".utf8.count + " HTTP/1.1\r\nHost: ".utf8.count + "\r\n".utf8.count + "\r\n".utf8.count
        for header in request.headers { size += header.name.utf8.count + header.value.utf8.count + 4 }
        if let contentLength { size += "Content-Length: \r\n".utf8.count + contentLength.utf8.count }
        if let authorization = proxy?.authorization {
            size += "Proxy-Authorization: \r\n".utf8.count + authorization.utf8.count
        }

        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { space in
            var writer = Writer(space: space)
            writer.write(request.method)
            writer.write(" ")
            writer.write(target)
            writer.write(" HTTP/1.1\r\nHost: ")
            writer.write(request.url.authority)
            writer.write("\r\n")
            for header in request.headers {
                writer.write(header.name)
                writer.write(": ")
                writer.write(header.value)
                writer.write("\r\n")
            }
            if let authorization = proxy?.authorization {
                writer.write("Proxy-Authorization: ")
                writer.write(authorization)
                writer.write("\r\n")
            }
            if let contentLength {
                writer.write("Content-Length: ")
                writer.write(contentLength)
                writer.write("\r\n")
            }
            writer.write("\r\n")
            return writer.count
        }
    }

    private struct Writer {
        let space: UnsafeMutableRawBufferPointer
        var count = 0

        mutating func write(_ text: StaticString) {
            let source = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            append(source)
        }

        mutating func write(_ text: String) {
            var text = text
            text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
        }

        private mutating func append(_ source: UnsafeRawBufferPointer) {
            guard source.count > 0 else { return }
            precondition(count + source.count <= space.count, "the size of the head was counted wrongly")
            UnsafeMutableRawBufferPointer(rebasing: space[count...]).copyMemory(from: source)
            count += source.count
        }
    }
}
