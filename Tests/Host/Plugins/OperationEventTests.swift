import CGantryPlugin
import NIOCore
import Testing

@testable import HostPlugins

struct OperationEventTests {
    @Test(arguments: [(false, false, 0), (true, false, GANTRY_IN_STREAM), (false, true, GANTRY_IN_RETRY)])
    func theStartSaysHowTheRequestCame(isStreaming: Bool, isRetry: Bool, flags: Int) {
        var request = OperationRequest(.chat, requestID: "r", input: ByteBuffer(), isStreaming: isStreaming)
        request.isRetry = isRetry

        let event = OperationEvent.start.withLent(for: request) { ($0.pointee.kind, $0.pointee.flags) }

        #expect(event == (UInt32(GANTRY_EV_START), UInt32(flags)))
    }
}
