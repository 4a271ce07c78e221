import HostCore
import HostPlugins
import Testing

@testable import HostTransfer

struct EarlyVerdictTests {
    private static let one = deployment("one", of: "pair")
    private static let two = deployment("two", of: "pair")
    private static let alone = deployment("three", of: "alone")
    private let verdict = EarlyVerdict([Self.one, Self.two, Self.alone])

    private static func deployment(_ id: String, of model: String) -> Deployment {
        Deployment(
            id: DeploymentID(id),
            modelName: model,
            configuredModel: model,
            upstreamModel: model,
            plugin: "openai",
            weight: 1,
            timeout: .seconds(1)
        )
    }

    private static func failure(_ reason: OperationFailure.Reason, at target: Deployment) -> FanOutFailure {
        FanOutFailure(deployment: target, failure: OperationFailure(reason, "no"))
    }

    private func note(_ reason: OperationFailure.Reason, at target: Deployment) -> DeploymentID? {
        verdict.note(.failed(Self.failure(reason, at: target)))?.deployment.id
    }

    @Test(arguments: [OperationFailure.Reason.invalid, .upstreamAuthentication, .tooLarge, .unsupported])
    func aRefusalIsFinalWhateverTheOthersDo(reason: OperationFailure.Reason) {
        #expect(note(reason, at: Self.one) == Self.one.id)
    }

    @Test
    func anOutageIsFinalWhenNoOtherOfItsModelIsLeft() {
        #expect(note(.upstreamUnavailable, at: Self.one) == nil)
        #expect(note(.rateLimit, at: Self.two) == Self.two.id)
    }

    @Test
    func anOutageOfAModelsOnlyTargetIsFinal() {
        #expect(note(.upstreamUnavailable, at: Self.alone) == Self.alone.id)
    }

    @Test
    func whoWasCutOffOrHasTheFileDecidesNothing() {
        #expect(verdict.note(.cutOff(Self.failure(.upstreamUnavailable, at: Self.alone))) == nil)
        #expect(verdict.note(.made) == nil)
        // The one that was cut off gets the file again, so the other's outage is none of the model.
        #expect(verdict.note(.cutOff(Self.failure(.upstreamTimeout, at: Self.one))) == nil)
        #expect(note(.upstreamUnavailable, at: Self.two) == nil)
    }
}
