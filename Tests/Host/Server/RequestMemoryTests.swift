import HTTPTypes
import Testing

@testable import HostServer

struct RequestMemoryTests {
    @Test
    func whatIsOverTheLimitIsRefusedUntilSomethingIsGivenBack() throws {
        let memory = RequestMemory(limitInBytes: 100)
        var first: RequestMemory.Share? = try memory.share(ofBytes: 60)

        let refusal = #expect(throws: GatewayError.self) { _ = try memory.share(ofBytes: 41) }
        let second = try memory.share(ofBytes: 40)
        withExtendedLifetime(first) {}
        first = nil
        let third = try memory.share(ofBytes: 60)

        #expect(refusal?.status == .serviceUnavailable)
        #expect(refusal?.retryAfter != nil)
        withExtendedLifetime((second, third)) {}
    }

    @Test
    func anotherLimitIsFollowedAtOnce() throws {
        let memory = RequestMemory(limitInBytes: 100)
        let held = try memory.share(ofBytes: 80)

        memory.follow(limitInBytes: 50)
        #expect(throws: GatewayError.self) { _ = try memory.share(ofBytes: 1) }
        memory.follow(limitInBytes: 200)
        withExtendedLifetime((held, try memory.share(ofBytes: 120))) {}
    }
}
