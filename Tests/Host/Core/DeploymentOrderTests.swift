import HostCore
import Testing

struct DeploymentOrderTests {
    private static let group = [
        Samples.deployment("a", "m", "m", weight: 6), Samples.deployment("b", "m", "m", weight: 3),
        Samples.deployment("c", "m", "m", weight: 1),
    ]

    /// What a request without files would try first, many times.
    private func firsts(_ order: DeploymentOrder, times: UInt64 = 4000) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<times { counts[try candidates(order, using: &generator)[0], default: 0] += 1 }
        return counts
    }

    private func candidates(_ order: DeploymentOrder, using generator: inout SeededGenerator) throws -> [String] {
        let choice = try DeploymentChoice(
            among: Self.group,
            holding: [],
            files: [:],
            modelName: "m",
            now: Samples.now,
            means: DeploymentChoice.Means(order: order, takesFiles: { _ in true }, givesBack: { _, _ in true }),
            using: &generator
        )
        return choice.candidates.map(\.id.description)
    }

    @Test
    func requestsAreSharedInProportionToTheWeights() throws {
        let counts = try firsts(DeploymentOrder())

        // Three standard deviations of 4000 draws are less than 95.
        for (id, expected) in ["a": 2400, "b": 1200, "c": 400] {
            #expect(abs(counts[id, default: 0] - expected) < 95, "\(id): \(counts)")
        }
    }

    @Test
    func theLeastBusyComesFirstWhateverItsWeight() throws {
        let outstanding = ["a": 5, "b": 9, "c": 4]
        let order = DeploymentOrder(.leastBusy) { id in
            DeploymentStanding(outstanding: outstanding[id.description, default: 0])
        }
        var generator = SeededGenerator(seed: 1)

        for _ in 0..<50 { #expect(try candidates(order, using: &generator) == ["c", "a", "b"]) }
    }

    @Test
    func amongTheLeastBusyChanceAndWeightDecide() throws {
        let order = DeploymentOrder(.leastBusy) { id in
            DeploymentStanding(outstanding: id.description == "a" ? 1 : 0)
        }
        let counts = try firsts(order)

        #expect(counts["a"] == nil)
        #expect(abs(counts["b", default: 0] - 3000) < 85)
    }

    @Test
    func howBusyTheyAreDoesNotMatterToASimpleShuffle() throws {
        let order = DeploymentOrder { id in DeploymentStanding(outstanding: id.description == "a" ? 1000 : 0) }

        #expect(try firsts(order)["a", default: 0] > 2300)
    }

    @Test(arguments: [RoutingStrategy.simpleShuffle, .leastBusy])
    func whereARequestHasToWaitItGoesLast(strategy: RoutingStrategy) throws {
        let order = DeploymentOrder(strategy) { id in
            // Its queue is what counts, not that others have more to do.
            DeploymentStanding(outstanding: id.description == "a" ? 1 : 7, isFull: id.description == "a")
        }
        var generator = SeededGenerator(seed: 1)

        for _ in 0..<50 { #expect(try candidates(order, using: &generator).last == "a") }
    }
}
