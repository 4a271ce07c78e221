import CGantryPlugin
import Dispatch
import Glibc
import HostPluginABI
import Testing

@testable import HostPlugins

/// The host asks, and the test answers in the place of a worker that is no honest one.
struct WorkerControlTests {
    @Test
    func aWorkerThatDoesNotAnswerIsGivenUp() throws {
        try expect(.silent, within: .milliseconds(50)) { _ in }
    }

    @Test
    func aWorkerThatEndsIsNotWaitedFor() throws {
        try expect(.ended) { worker in shutdown(worker, Int32(SHUT_RDWR)) }
    }

    @Test(
        arguments: [
            [1], [200, 3, 0, 0, 0, 0, 0, 0], [23, 3, 0, 0, 1, 0, 0, 0, 0], [23, 1, 0, 0, 0, 0, 0, 0],
            [23, 3, 1, 0, 0, 0, 0, 0], [23, 3, 0, 0, 255, 255, 255, 255],
            // Answers to other questions: FACTS, STEPPED, RETURN.
            [17, 3, 0, 0, 0, 0, 0, 0], [2, 3, 0, 0, 0, 0, 0, 0], [5, 3, 0, 0, 0, 0, 0, 0],
            // A call and a refusal without their members.
            [4, 3, 0, 0, 0, 0, 0, 0], [24, 3, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]]
    )
    func whatNoHonestWorkerSendsIsGarbage(bytes: [UInt8]) throws {
        try expect(.garbage) { worker in _ = Glibc.send(worker, bytes, bytes.count, 0) }
    }

    @Test
    func aWorkerThatLogsWithoutEndIsHeardForAWhile() throws {
        let services = RecordingServices()
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
        let (control, worker) = (WorkerControl(descriptor: ends[0]), ends[1])
        defer { close(worker) }
        // The socket does not hold all of it at once.
        DispatchQueue.global().async {
            let line = [UInt8]("again".utf8).withUnsafeBytes {
                LogMessage.message(level: 1, text: gantry_slice($0), fields: nil, count: 0)
            }
            for _ in 0..<1000 { Self.send(line, worker) }
            Self.send(OutgoingMessage(.done), worker)
        }

        try control.ask(OutgoingMessage(.seal), services, expect: .done) { body throws(WireError) in
            try WireReader(body).end()
        }

        #expect(services.lines.count == 64)
    }

    private static func send(_ message: OutgoingMessage?, _ socket: Int32) {
        guard var message else { return }
        message.withPacket(0) { packet in _ = Glibc.send(socket, packet.baseAddress, packet.count, Int32(MSG_NOSIGNAL))
        }
    }

    private func expect(
        _ code: WorkerProcessError.Code,
        within limit: Duration = .seconds(20),
        _ answer: (Int32) -> Void
    ) throws {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
        let control = WorkerControl(descriptor: ends[0])
        defer { close(ends[1]) }
        answer(ends[1])

        let error = #expect(throws: WorkerProcessError.self) {
            try control.ask(OutgoingMessage(.seal), nil, expect: .done, within: limit) { body throws(WireError) in
                try WireReader(body).end()
            }
        }

        #expect(error?.code == code)
    }
}
