import GantryPlugin
import Testing

@testable import VertexAIAdapter

/// Changed at random, requests and answers are translated or refused; nothing traps.
struct MutationTests {
    private static let rounds = 300

    @Test(arguments: Fixture.all("requests"))
    func changedRequestsAreTranslatedOrRefused(fixture: Fixture) throws {
        var mutator = Mutator(seed: 1)
        let original = try fixture.json("request")
        let references = try fixture.references
        let settings = try Deployment.settings()
        for _ in 0..<Self.rounds {
            let request = mutator.mutated(original)
            do throws(Failure) {
                let body = try ChatRequest(request, references: references, settings: settings).body
                #expect(body["contents"]?.array?.isEmpty == false)
            } catch {
                #expect([.invalid, .unsupported].contains(error.reason))
            }
        }
    }

    @Test(arguments: Fixture.all("answers"))
    func changedAnswersAreTranslatedOrFail(fixture: Fixture) throws {
        var mutator = Mutator(seed: 2)
        let original = try fixture.json("upstream")
        for _ in 0..<Self.rounds {
            do throws(Failure) {
                let answer = try ChatAnswer(mutator.mutated(original), identity: .fixed)
                #expect(answer.body["choices"]?.array?.isEmpty == false)
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }

    @Test(arguments: Fixture.all("streams"))
    func changedStreamsAreTranslatedOrFail(fixture: Fixture) throws {
        var mutator = Mutator(seed: 3)
        let original = try fixture.json("events")
        for _ in 0..<Self.rounds {
            var stream = ChatStream(identity: .fixed, includesUsage: true)
            do throws(Failure) {
                for event in mutator.mutated(original).array ?? [] {
                    for chunk in try stream.consume(event.serialized()) { #expect(chunk["choices"] != nil) }
                }
                _ = try stream.finish()
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }

    @Test
    func changedErrorsBecomeFailures() throws {
        var mutator = Mutator(seed: 4)
        let original = try JSON(
            text:
                #"{"error":{"code":429,"message":"m","status":"S","details":[{"@type":"google.rpc.RetryInfo","retryDelay":"3s"}]}}"#
        )
        for _ in 0..<2000 {
            let body = mutator.mutated(original).serialized()
            let failure = UpstreamError(status: 429, headers: [], body: body).failure(service: "X")
            #expect(failure.reason == .rateLimit)
        }
    }

    @Test
    func changedParametersAreReadOrRefused() throws {
        var mutator = Mutator(seed: 5)
        let original = Deployment.parameters(["safety_settings": [["category": "x"]], "api_base": "http://h:1"])
        for _ in 0..<2000 {
            do throws(Failure) {
                let settings = try Settings(parameters: mutator.mutated(original))
                #expect(Origin.split(settings.modelURL(method: "m"), defaultScheme: nil) != nil)
            } catch {
                #expect(error.reason == .invalid)
            }
        }
    }
}

/// Changes a few places of a document, the same ones for the same seed.
struct Mutator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    private static let values: [JSON] = [
        .null, true, 0, -1, 1e308, "", "a", "user", "tool", "..", "data:;base64,", "gs://", "https://x/a.png",
        [], [:], [[]], ["a": 1], [["type": "text"]], [["type": "file", "file": [:]]], "\u{0}\u{1F600}",
        .number(JSONNumber(Int64.max)), .number(JSONNumber(Int64.min)),
        .number(JSONNumber(UInt64.max)),
    ]

    private mutating func next(below limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(max(limit, 1)))
    }

    mutating func mutated(_ value: JSON) -> JSON {
        guard next(below: 12) != 0 else { return Self.values[next(below: Self.values.count)] }
        switch value {
        case .array(let elements):
            var result: [JSON] = []
            for element in elements where next(below: 24) != 0 {
                result.append(mutated(element))
                if next(below: 24) == 0 { result.append(element) }
            }
            return .array(result)
        case .object(let object):
            var result = JSONObject()
            for (name, value) in object.members where next(below: 24) != 0 {
                result[next(below: 30) == 0 ? "x" : name] = mutated(value)
            }
            return .object(result)
        default: return value
        }
    }
}
