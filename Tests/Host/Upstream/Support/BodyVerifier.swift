import NIOCore
import Testing

/// Skips a request's head and compares its body with a ``PatternFile``, without keeping it.
final class BodyVerifier: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var head: ByteBuffer? = ByteBuffer()
    private var offset: Int
    private let start: Int
    private let onProgress: (Int) -> Void

    /// `onProgress` gets the number of bytes compared so far.
    init(offset: Int, onProgress: @escaping (Int) -> Void) {
        self.offset = offset
        start = offset
        self.onProgress = onProgress
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if var head {
            head.writeBuffer(&bytes)
            guard let end = head.readableBytesView.firstRange(of: Array("\r\n\r\n".utf8)) else {
                self.head = head
                return
            }
            self.head = nil
            head.moveReaderIndex(to: end.upperBound)
            bytes = head
        }
        guard bytes.readableBytes > 0 else { return }
        let isIntact = PatternFile.matches(bytes, at: offset)
        #expect(isIntact)
        if !isIntact { context.close(promise: nil) }
        offset += bytes.readableBytes
        onProgress(offset - start)
    }
}
