import NIOCore

/// The streams that were begun and wait for the word to end.
final class HeldStreams {
    private var releases: [() -> Void] = []
    private(set) var fileNumber = 0

    var count: Int { releases.count }

    func hold(_ release: @escaping () -> Void) { releases.append(release) }

    func releaseAll() {
        let all = releases
        releases = []
        for release in all { release() }
    }

    func nextFile() -> Int {
        fileNumber += 1
        return fileNumber
    }
}

/// One connection to the instant provider.
///
/// A chat whose text has `bench-stream` in it is streamed, each event in a packet of its own; with `bench-paced` there
/// is a pause between two; with `bench-hold` the first comes alone, and the rest with `POST /_bench/release`.
final class UpstreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The time between two events of a paced stream.
    private static let pace = TimeAmount.milliseconds(2)

    /// A mark stands near the begin of a body.
    private static let markRange = 4096

    private let answers: UpstreamAnswers
    private let held: NIOLoopBoundBox<HeldStreams>
    private var parser = MessageParser(.request)
    private var head: MessageHead?
    private var bodyBegin = ByteBuffer()
    private var bodyLength = 0
    private var unsentDownload = 0
    private var isSending = false

    init(answers: UpstreamAnswers, held: NIOLoopBoundBox<HeldStreams>) {
        self.answers = answers
        self.held = held
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data))
        do {
            while let part = try parser.next() { receive(part, context) }
        } catch {
            context.close(promise: nil)
        }
    }

    private func receive(_ part: MessagePart, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head):
            self.head = head
            bodyBegin.clear()
            bodyLength = 0
            if Self.contains("100-continue", head.bytes) {
                send(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"), context)
            }
        case .body(let piece):
            bodyLength += piece.readableBytes
            if bodyBegin.readableBytes == 0 {
                bodyBegin = piece
            } else if bodyBegin.readableBytes < Self.markRange {
                bodyBegin.writeImmutableBuffer(piece)
            }
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    private func answer(_ head: MessageHead, _ context: ChannelHandlerContext) {
        let line = head.bytes.readableBytesView.prefix { $0 != UInt8(ascii: "\r") }
        let request = line.split(separator: UInt8(ascii: " "))
        guard request.count == 3 else { return send(answers.missing, context) }
        let method = request[0]
        let path = request[1].prefix { $0 != UInt8(ascii: "?") }
        if method.elementsEqual("POST".utf8) {
            post(path, context)
        } else if method.elementsEqual("GET".utf8) {
            get(path, isMedia: Self.contains("alt=media", head.bytes), context)
        } else if method.elementsEqual("PUT".utf8) {
            put(head, context)
        } else {
            send(answers.deleted, context)
        }
    }

    private func post(_ path: ByteBufferView, _ context: ChannelHandlerContext) {
        if path.ends(with: "/chat/completions") {
            if marks("bench-stream") {
                stream(answers.chatStream, context)
            } else if marks("bench-paced") {
                stream(answers.chatStream, every: Self.pace, context)
            } else if marks("bench-hold") {
                hold(answers.chatStream, context)
            } else {
                send(answers.chat, context)
            }
        } else if path.ends(with: ":generateContent") {
            send(answers.gemini, context)
        } else if path.ends(with: ":streamGenerateContent") {
            stream(answers.geminiStream, every: marks("bench-paced") ? Self.pace : nil, context)
        } else if path.ends(with: "/files") {
            send(answers.file(held.value.nextFile(), size: bodyLength), context)
        } else if path.ends(with: "/o") {
            send(answers.uploadSession(), context)
        } else if path.ends(with: "/_bench/release") {
            held.value.releaseAll()
            send(answers.count(held.value.count), context)
        } else {
            send(answers.missing, context)
        }
    }

    private func get(_ path: ByteBufferView, isMedia: Bool, _ context: ChannelHandlerContext) {
        if path.ends(with: "/content") || isMedia {
            send(answers.downloadHead(), context)
            unsentDownload = answers.downloadLength
            sendDownload(context)
        } else if path.ends(with: "/files") {
            send(answers.list, context)
        } else if path.ends(with: "/token") {
            send(answers.token, context)
        } else if path.ends(with: "/models") {
            send(answers.models, context)
        } else if path.ends(with: "/health") {
            send(answers.health, context)
        } else if path.ends(with: "/_bench/open") {
            send(answers.count(held.value.count), context)
        } else {
            send(answers.missing, context)
        }
    }

    /// A piece of an upload to Cloud Storage: `Content-Range: bytes 0-9/10`.
    private func put(_ head: MessageHead, _ context: ChannelHandlerContext) {
        let lines = String(buffer: head.bytes).lowercased().split(separator: "\r\n")
        let numbers = lines.first { $0.hasPrefix("content-range:") }?.split { !$0.isNumber }.compactMap { Int($0) }
        guard let numbers, let total = numbers.last else { return send(answers.missing, context) }
        let isLast = numbers.count < 3 || numbers[1] + 1 == total
        send(isLast ? answers.object(size: total) : answers.confirmation(length: numbers[1] + 1), context)
    }

    private func marks(_ mark: StaticString) -> Bool { Self.contains(mark, bodyBegin) }

    private static func contains(_ mark: StaticString, _ buffer: ByteBuffer) -> Bool {
        buffer.withUnsafeReadableBytes { bytes in
            let text = UnsafeBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount)
            let last = min(bytes.count, Self.markRange) - text.count
            guard last >= 0, let first = text.first else { return false }
            return (0...last).contains { start in
                bytes[start] == first && bytes[start..<(start + text.count)].elementsEqual(text)
            }
        }
    }

    // MARK: - Sending

    private func send(_ answer: ByteBuffer, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }

    /// Sends one piece a turn of the loop, so that other connections have theirs in between.
    private func stream(
        _ pieces: [ByteBuffer],
        every pace: TimeAmount? = nil,
        from index: Int = 0,
        _ context: ChannelHandlerContext
    ) {
        guard context.channel.isActive else { return }
        var next = index
        if next == 0 {
            context.write(wrapOutboundOut(pieces[0]), promise: nil)
            next = 1
        }
        context.write(wrapOutboundOut(pieces[next]), promise: nil)
        if next == pieces.count - 2 {
            next += 1
            context.write(wrapOutboundOut(pieces[next]), promise: nil)
        }
        context.flush()
        next += 1
        guard next < pieces.count else { return }
        let loop = context.eventLoop.assumeIsolated()
        if let pace {
            loop.scheduleTask(in: pace) { self.stream(pieces, every: pace, from: next, context) }
        } else {
            loop.execute { self.stream(pieces, from: next, context) }
        }
    }

    private func hold(_ pieces: [ByteBuffer], _ context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(pieces[0]), promise: nil)
        context.writeAndFlush(wrapOutboundOut(pieces[1]), promise: nil)
        held.value.hold {
            guard context.channel.isActive else { return }
            for piece in pieces.dropFirst(2) { context.write(self.wrapOutboundOut(piece), promise: nil) }
            context.flush()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        sendDownload(context)
    }

    private func sendDownload(_ context: ChannelHandlerContext) {
        guard !isSending else { return }
        isSending = true
        defer { isSending = false }
        while unsentDownload > 0, context.channel.isWritable {
            let piece = Filler.slice(unsentDownload)
            unsentDownload -= piece.readableBytes
            send(piece, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

extension ByteBufferView {
    fileprivate func ends(with text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        return self.count >= count
            && self.suffix(count).elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: count))
    }
}
