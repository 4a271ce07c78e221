import GantryPlugin
import Testing

@testable import VertexAIAdapter

/// Changed at random, Responses requests and their answers are translated or refused; nothing traps.
struct ResponsesMutationTests {
    private static let rounds = 300

    @Test(arguments: Fixture.all("responses-requests"))
    func changedRequestsAreTranslatedOrRefused(fixture: Fixture) throws {
        var mutator = Mutator(seed: 6)
        let original = try fixture.json("request")
        let references = try fixture.references
        let settings = try Deployment.settings()
        for _ in 0..<Self.rounds {
            let mutated = mutator.mutated(original)
            do throws(Failure) {
                let request = try ResponsesRequest(mutated, references: references, settings: settings)
                #expect(request.body["contents"]?.array?.isEmpty == false)
                #expect(request.echo["store"] == false)
            } catch {
                #expect([.invalid, .unsupported].contains(error.reason))
            }
        }
    }

    @Test(arguments: Fixture.all("answers") + Fixture.all("responses-answers"))
    func changedAnswersAreTranslatedOrFail(fixture: Fixture) throws {
        var mutator = Mutator(seed: 7)
        let original = try fixture.json("upstream")
        for _ in 0..<Self.rounds {
            do throws(Failure) {
                let answer = try ResponsesAnswer(mutator.mutated(original), echo: ResponseEcho(), identity: .fixed)
                #expect(answer.body["output"]?.array != nil)
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }

    @Test(arguments: Fixture.all("streams") + Fixture.all("responses-streams"))
    func changedStreamsAreTranslatedOrFail(fixture: Fixture) throws {
        var mutator = Mutator(seed: 8)
        let original = try fixture.json("events")
        for _ in 0..<Self.rounds {
            var stream = ResponsesStream(echo: ResponseEcho(), identity: .fixed)
            var count: Int64 = 0
            do throws(Failure) {
                var events: [JSON] = []
                for event in mutator.mutated(original).array ?? [] { events += try stream.consume(event.serialized()) }
                for event in try events + stream.finish() {
                    #expect(event["sequence_number"]?.integer == count)
                    count += 1
                }
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}
