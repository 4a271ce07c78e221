import Foundation
import HostCore
import HostDatabase
import Testing

@testable import HostRegistry

struct WebhookTests {
    private static let now = UnixTime(secondsSince1970: SettableClock.start)

    private func enqueue(
        _ fixture: RegistryFixture,
        _ object: String = "batch_1",
        _ kind: WebhookEvent.Kind = .batchCompleted,
        to url: String = "https://hooks.example/a?token=x"
    ) async throws {
        try await fixture.database.write { connection in
            try WebhookRows.enqueue(WebhookEvent(kind, of: object, to: url), at: Self.now, in: connection)
        }
    }

    private func take(
        _ registry: Registry,
        limit: Int = 100,
        perReceiver: Int = 100,
        except: Set<String> = []
    ) async throws -> [WebhookDelivery] {
        try await registry.takeDueWebhooks(limit: limit, limitPerReceiver: perReceiver, except: except)
    }

    /// As if the database's clock had gone on.
    private func pass(_ seconds: Int64, _ fixture: RegistryFixture) async throws {
        try await fixture.execute("UPDATE webhook_deliveries SET due_at = due_at - \(seconds) WHERE due_at > 0")
    }

    private func state(_ fixture: RegistryFixture) async throws -> [String] {
        try await fixture.rows("SELECT state FROM webhook_deliveries ORDER BY id").map { try $0.text("state") }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aMessageIsAnEventInOpenAIsForm(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await enqueue(fixture)

            let delivery = try #require(try await take(fixture.registry).first)
            #expect(delivery.id.hasPrefix("msg_") && delivery.id.utf8.count == 30)
            #expect(delivery.url == "https://hooks.example/a?token=x")
            #expect(delivery.receiver == "https://hooks.example")
            #expect(delivery.attempt == 1)
            let json = try JSONSerialization.jsonObject(with: Data(delivery.body.utf8))
            let event = try #require(json as? [String: Any])
            #expect(Set(event.keys) == ["id", "object", "created_at", "type", "data"])
            #expect((event["id"] as? String)?.hasPrefix("evt_") == true)
            #expect(event["object"] as? String == "event")
            #expect(event["type"] as? String == "batch.completed")
            #expect(event["created_at"] as? Int64 == SettableClock.start)
            #expect(event["data"] as? [String: String] == ["id": "batch_1"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func theEndOfAnObjectIsToldOnce(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            for _ in 0..<3 { try await enqueue(fixture) }
            try await enqueue(fixture, "batch_2")

            #expect(try await take(fixture.registry).count == 2)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aTransactionThatFailsTellsNothing(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture async throws in
            let event = WebhookEvent(.batchFailed, of: "batch_1", to: "https://hooks.example/")
            await #expect(throws: RegistryError.self) {
                try await fixture.database.write { connection in
                    try WebhookRows.enqueue(event, at: Self.now, in: connection)
                    throw RegistryError(.conflict, "The object had ended already.")
                }
            }

            #expect(try await take(fixture.registry).isEmpty)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatOneHostHasTakenIsNotTakenByAnother(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let other = try await fixture.otherHost()
            try await enqueue(fixture)
            let first = try #require(try await take(fixture.registry).first)

            #expect(try await take(other).isEmpty)
            #expect(try await take(fixture.registry).isEmpty)

            try await pass(61, fixture)
            let second = try #require(try await take(other).first)
            #expect(second.id == first.id)
            #expect(second.body == first.body)
            #expect(second.attempt == 2)
            // The first one comes too late with what it has to say.
            try await fixture.registry.settle(first, .delivered)
            #expect(try await state(fixture) == ["pending"])
            try await other.settle(second, .delivered)
            #expect(try await state(fixture) == ["delivered"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func hostsThatTakeAtOnceNeverTakeTheSame(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            let hosts = [fixture.registry, try await fixture.otherHost(), try await fixture.otherHost()]
            for number in 0..<60 { try await enqueue(fixture, "batch_\(number)") }

            let taken = try await withThrowingTaskGroup(of: [String].self) { group in
                for host in hosts {
                    group.addTask {
                        var ids: [String] = []
                        for _ in 0..<10 { ids += try await take(host, limit: 7).map(\.id) }
                        return ids
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }

            #expect(taken.count == Set(taken).count)
            #expect(try await taken.count + take(fixture.registry).count == 60)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aMessageIsTriedAgainWhenItsPauseIsOver(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await enqueue(fixture)
            let first = try #require(try await take(fixture.registry).first)
            try await fixture.registry.settle(first, .retry(after: .seconds(300), reason: "HTTP 500"))

            try await pass(290, fixture)
            #expect(try await take(fixture.registry).isEmpty)
            #expect(
                try await fixture.rows("SELECT last_error FROM webhook_deliveries")[0].text("last_error") == "HTTP 500"
            )
            try await pass(11, fixture)
            #expect(try await take(fixture.registry).map(\.attempt) == [2])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatIsGivenUpOrDeliveredIsNeverTakenAgain(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await enqueue(fixture, "batch_1")
            try await enqueue(fixture, "ftjob-1", .jobSucceeded)
            let taken = try await take(fixture.registry)
            try await fixture.registry.settle(taken[0], .delivered)
            try await fixture.registry.settle(taken[1], .givenUp(reason: String(repeating: "x", count: 1000)))

            try await pass(1_000_000, fixture)
            #expect(try await take(fixture.registry).isEmpty)
            #expect(Set(try await state(fixture)) == ["delivered", "failed"])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func whatIsReturnedCanBeTakenAtOnceAndWasNoAttempt(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await enqueue(fixture)
            let delivery = try #require(try await take(fixture.registry).first)
            try await fixture.registry.settle(delivery, .returned)

            #expect(try await take(try await fixture.otherHost()).map(\.attempt) == [1])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aHostThatComesBackSendsWhatItsEarlierRunHadTakenAndNoneBeforeItsTime(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await fixture.enlist(fixture.registry, as: "one")
            try await enqueue(fixture, "batch_1")
            let waiting = try #require(try await take(fixture.registry).first)
            try await fixture.registry.settle(waiting, .retry(after: .seconds(300), reason: "HTTP 500"))
            try await enqueue(fixture, "batch_2")
            let cutOff = try #require(try await take(fixture.registry).first)

            let again = try await fixture.otherHost()
            try await fixture.enlist(again, as: "one")

            let taken = try await take(again)
            #expect(taken.map(\.id) == [cutOff.id])
            #expect(taken.map(\.attempt) == [2])
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func aReceiverWithManyMessagesTakesNoMoreThanItsShare(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            for number in 0..<20 { try await enqueue(fixture, "batch_\(number)", to: "https://many.example/\(number)") }
            try await enqueue(fixture, "batch_20", to: "https://one.example/")

            let taken = try await take(fixture.registry, limit: 10, perReceiver: 2)
            #expect(taken.count(where: { $0.receiver == "https://many.example" }) == 2)
            #expect(taken.count(where: { $0.receiver == "https://one.example" }) == 1)
            #expect(try await take(fixture.registry, except: ["https://many.example"]).isEmpty)
            #expect(try await take(fixture.registry, limit: 5).count == 5)
        }
    }

    @Test(arguments: DatabaseKind.allCases)
    func messagesAreDroppedAfterAMonth(kind: DatabaseKind) async throws {
        try await RegistryFixture.with(kind) { fixture in
            try await enqueue(fixture)
            fixture.clock.advance(by: .seconds(30 * 86_400 - 1))
            try await fixture.registry.dropOldRecords()
            #expect(try await state(fixture) == ["pending"])

            fixture.clock.advance(by: .seconds(2))
            try await fixture.registry.dropOldRecords()
            #expect(try await state(fixture).isEmpty)
        }
    }

    @Test(arguments: [
        ("https://a.example", "https://a.example"), ("https://a.example/x", "https://a.example"),
        ("https://a.example?x=/", "https://a.example"), ("HTTP://A.Example:80/", "http://a.example:80"),
        ("http://[::1]:8080/x", "http://[::1]:8080"),
    ])
    func aReceiverIsTheURLWithoutItsPath(url: String, receiver: String) {
        #expect(WebhookEvent(.batchCompleted, of: "batch_1", to: url).receiver == receiver)
    }

    @Test(arguments: [
        ("completed", WebhookEvent.Kind.batchCompleted), ("failed", .batchFailed), ("expired", .batchExpired),
        ("cancelled", .batchCancelled), ("in_progress", nil), ("cancelling", nil), ("", nil),
    ])
    func aBatchThatHasEndedHasAnEvent(status: String, expected: WebhookEvent.Kind?) {
        #expect(WebhookEvent.Kind(batchStatus: status) == expected)
    }

    @Test(arguments: [
        ("succeeded", WebhookEvent.Kind.jobSucceeded), ("failed", .jobFailed), ("cancelled", .jobCancelled),
        ("running", nil), ("completed", nil),
    ])
    func aJobThatHasEndedHasAnEvent(status: String, expected: WebhookEvent.Kind?) {
        #expect(WebhookEvent.Kind(jobStatus: status) == expected)
    }
}
