import CGantryPlugin
import Crypto
import Foundation
import Glibc
import HostPluginABI
import Synchronization
import Testing

@testable import HostPlugins

/// A worker with one data socket, and the test in the place of the host's event loop.
final class RunningWorker {
    /// What came of a step.
    struct Answer: Equatable {
        var status: gantry_status = 0
        var wasRefused = false
        var kinds: [UInt32] = []
        /// The data of its OUTPUTs.
        var outputs: [String] = []
        /// URLs of its requests.
        var urls: [String] = []
    }

    struct Ended: Error {}
    struct TookTooLong: Error {}

    static var executable: String { WorkerProcess.besideThisTest("gantry-worker") }

    let process: WorkerProcess
    let facts: FactsMessage
    let services = RecordingServices()
    private let socket: Int32
    private var assembler = MessageAssembler()
    private var packet = [UInt8](repeating: 0, count: WorkerProtocol.maximumPacketBytes + 1)

    /// Starts a worker and has it open a library.
    init(opening path: String, memoryLimitInBytes: UInt64 = 256 << 20) throws {
        process = try WorkerProcess(executable: Self.executable, dataSockets: 1)
        socket = process.takeDataSockets()[0]
        facts = try process.load(
            LoadMessage(path: path, dataSockets: 1, memoryLimitInBytes: memoryLimitInBytes)
        )
    }

    deinit {
        process.kill()
        close(socket)
    }

    /// Makes instance and target 1, and seals.
    @discardableResult
    func serve(configuration: String = "{}", parameters: String = "{}") throws -> SealedMessage {
        try process.makeInstance(Array(configuration.utf8), services)
        try process.makeTarget(1, Array(parameters.utf8), services)
        return try process.seal()
    }

    /// Does one step of an operation.
    func step(
        _ operation: UInt64 = 1,
        isNew: Bool = true,
        kind: UInt32 = UInt32(GANTRY_OP_CHAT),
        data: String = "",
        text: String = "",
        rules: EmissionRules = EmissionRules()
    ) throws -> Answer {
        try send(stepMessage(operation, isNew: isNew, kind: kind, data: data, text: text, rules: rules))
        return try answer(of: operation)
    }

    /// The message of a step.
    func stepMessage(
        _ operation: UInt64,
        isNew: Bool,
        kind: UInt32 = UInt32(GANTRY_OP_CHAT),
        data: String,
        text: String = "",
        rules: EmissionRules = EmissionRules()
    ) -> OutgoingMessage {
        var (data, text) = (data, text)
        return data.withUTF8 { data in
            text.withUTF8 { text in
                var event = gantry_event()
                event.size = UInt32(MemoryLayout<gantry_event>.size)
                event.kind = UInt32(GANTRY_EV_START)
                event.value = .max
                event.data = gantry_slice(UnsafeRawBufferPointer(data))
                event.text = gantry_slice(UnsafeRawBufferPointer(text))
                return StepMessage.message(
                    operation: operation,
                    new: isNew ? (target: 1, kind: kind) : nil,
                    rules: rules,
                    event: &event
                )
            }
        }
    }

    /// Waits for the answer to a step; calls and log lines before it go to the services.
    func answer(of operation: UInt64) throws -> Answer {
        while true {
            let (kind, body) = try receive()
            switch kind {
            case .call:
                try body.withUnsafeBytes { body in try send(services.answer(try CallMessage(body))) }
            case .log:
                var arrays = LentArrays()
                try body.withUnsafeBytes { body in try LogMessage.read(body, &arrays) { services.log($0, $1, $2, $3) } }
            default:
                try #require(kind == .stepped)
                return try body.withUnsafeBytes { body in try Self.read(body, operation) }
            }
        }
    }

    private static func read(_ body: UnsafeRawBufferPointer, _ operation: UInt64) throws -> Answer {
        let stepped = try SteppedMessage(body)
        #expect(stepped.operation == operation)
        var answer = Answer(status: stepped.status, wasRefused: stepped.wasRefused)
        var (rules, arrays) = (EmissionRules(), LentArrays())
        try stepped.forEachCommand(&arrays) { command in
            answer.kinds.append(command.pointee.kind)
            if command.pointee.kind == UInt32(GANTRY_CMD_OUTPUT) {
                answer.outputs.append(String(lent: command.pointee.data))
            }
            if command.pointee.kind == UInt32(GANTRY_CMD_HTTP) {
                answer.urls.append(String(lent: command.pointee.url))
            }
            do throws(RefusedCommand) {
                _ = try rules.admit(command)
                return Status.ok
            } catch {
                return error.code
            }
        }
        return answer
    }

    /// Sends a message over the data socket.
    func send(_ message: OutgoingMessage) throws {
        var message = message
        for index in 0..<message.packetCount {
            while true {
                let (sent, code) = message.withPacket(index) { packet in
                    (Glibc.send(socket, packet.baseAddress, packet.count, Int32(MSG_NOSIGNAL)), errno)
                }
                if sent > 0 { break }
                guard code == EAGAIN else { throw Ended() }
                try wait(for: Int16(POLLOUT))
            }
        }
    }

    /// Sends bytes that need not be a packet.
    func sendRaw(_ bytes: [UInt8]) { _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// The next message of the data socket.
    func receive() throws -> (WorkerProtocol.Kind, [UInt8]) {
        while true {
            try wait(for: Int16(POLLIN))
            let count = recv(socket, &packet, packet.count, 0)
            guard count > 0 else { throw Ended() }
            let message = try packet[..<count].withUnsafeBytes { bytes in
                try assembler.receive(bytes) { kind, body throws(WireError) in (kind, Array(body)) }
            }
            if let message { return message }
        }
    }

    private func wait(for events: Int16) throws {
        var poller = pollfd(fd: socket, events: events, revents: 0)
        guard poll(&poller, 1, 30_000) > 0 else { throw TookTooLong() }
    }
}

/// Signs, keeps and logs as the host does, and says what it was asked.
final class RecordingServices: WorkerServices {
    private struct State {
        var values: [[UInt8]: [UInt8]] = [:]
        var lines: [String] = []
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }

    func answer(_ call: CallMessage) -> OutgoingMessage {
        let key = Array(UnsafeRawBufferPointer(lent: call.key))
        let value = Array(UnsafeRawBufferPointer(lent: call.value))
        switch call.function {
        case .sign: return reply(Array(SHA256.hash(data: value)), call.capacity)
        case .cacheGet:
            guard let kept = state.withLock({ $0.values[key] }) else { return reply(Status.notFound) }
            return reply(kept, call.capacity)
        case .cachePut:
            state.withLock { $0.values[key] = value }
            return reply(Status.ok)
        }
    }

    func log(_ level: UInt32, _ message: gantry_slice, _ fields: UnsafePointer<gantry_pair>?, _ count: Int) {
        let fields = UnsafeBufferPointer(start: fields, count: count).map {
            "\(String(lent: $0.name))=\(String(lent: $0.value))"
        }
        let line = "\(level) \(String(lent: message)) \(fields.joined(separator: " "))"
        state.withLock { $0.lines.append(line) }
    }

    private func reply(_ result: [UInt8], _ capacity: Int) -> OutgoingMessage {
        guard result.count <= capacity else {
            return ReturnMessage(
                status: Status.limit,
                length: result.count,
                result: UnsafeRawBufferPointer(lent: .init())
            )
            .message()
        }
        return result.withUnsafeBytes { ReturnMessage(status: Status.ok, length: $0.count, result: $0).message() }
    }

    private func reply(_ status: gantry_status) -> OutgoingMessage {
        ReturnMessage(status: status, length: 0, result: UnsafeRawBufferPointer(lent: .init())).message()
    }
}

extension WorkerProcess {
    /// A product in the folder of the test's own executable.
    static func besideThisTest(_ name: String) -> String {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appending(path: name).path
    }
}
