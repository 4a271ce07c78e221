import HostCore
import Testing

struct DeploymentChoiceTests {
    private static let group = [
        Samples.deployment("a", "gpt", "gpt-4o"), Samples.deployment("b", "gpt", "gpt-4o"),
        Samples.deployment("c", "gpt", "vertex_ai/gemini"),
    ]
    private static let reference = FileReference(
        range: 0..<4,
        id: FileID(uuid: Samples.uuid),
        clientID: "file-x",
        path: "messages[0].content[0].file.file_id"
    )

    /// Everybody takes files and only `c`, or what is named, gives them back.
    private func choose(
        holding copies: [FileCopy],
        references: [FileReference] = [reference],
        takesFiles: Bool = true,
        readable: Set<String> = ["c"],
        order: DeploymentOrder = DeploymentOrder(),
        seed: UInt64 = 1
    ) throws -> DeploymentChoice {
        var generator = SeededGenerator(seed: seed)
        return try DeploymentChoice(
            among: Self.group,
            holding: references,
            files: [Self.reference.id: Samples.file(copies: copies)],
            modelName: "gpt",
            now: Samples.now,
            means: DeploymentChoice.Means(
                order: order,
                takesFiles: { _ in takesFiles },
                givesBack: { deployment, _ in readable.contains(deployment.description) }
            ),
            using: &generator
        )
    }

    @Test
    func everyDeploymentWillDoForARequestWithoutFiles() throws {
        let choice = try choose(holding: [], references: [])

        #expect(Set(choice.candidates.map(\.id.description)) == ["a", "b", "c"])
        #expect(choice.fills.isEmpty)
    }

    @Test
    func onlyThoseThatHoldTheFileAreCandidates() throws {
        let choice = try choose(holding: [Samples.copy(at: DeploymentID("b"))])

        #expect(choice.candidates.map(\.id.description) == ["b"])
        #expect(choice.fills.isEmpty)
    }

    @Test(arguments: [CopyState.pending, .deleting, .failed, .expired])
    func aCopyThatIsNotReadyDoesNotCount(state: CopyState) throws {
        let copies = [
            Samples.copy(at: DeploymentID("b"), state: state), Samples.copy(at: DeploymentID("other"), id: "x"),
        ]
        let choice = try choose(holding: copies, readable: ["other"])

        #expect(choice.candidates.isEmpty)
        #expect(Set(choice.fills.map(\.deployment.id.description)) == ["a", "b", "c"])
        #expect(choice.fills.allSatisfy { $0.missing == [Self.reference] })
    }

    @Test
    func whatCannotBeReadAnywhereIsRefusedWithTheFileAndTheRemedy() throws {
        let error = #expect(throws: RuleError.self) {
            try choose(holding: [Samples.copy(at: DeploymentID("other"))])
        }

        #expect(error?.code == .invalidRequest)
        #expect(error?.parameter == Self.reference.path)
        #expect(error?.message.contains("file-x") == true)
        #expect(error?.message.contains("target_model_names=gpt") == true)
    }

    @Test
    func aModelThatTakesNoFilesIsRefused() throws {
        let error = #expect(throws: RuleError.self) {
            try choose(holding: [Samples.copy(at: DeploymentID("other"))], takesFiles: false, readable: ["other"])
        }

        #expect(error?.code == .unsupported)
        #expect(error?.parameter == Self.reference.path)
    }

    @Test
    func theOrderChangesFromRequestToRequest() throws {
        let orders = try (0..<32).map { seed in
            try choose(holding: [], references: [], seed: seed).candidates.map(\.id.description)
        }

        #expect(Set(orders.map(\.first)).count == 3)
    }

    private static func resting(_ ids: String...) -> DeploymentOrder {
        DeploymentOrder { id in
            let place = ids.firstIndex(of: id.description)
            return DeploymentStanding(rest: place.map { .seconds($0 + 1) })
        }
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func whatRestsIsNotChosen(seed: UInt64) throws {
        let choice = try choose(holding: [], references: [], order: Self.resting("a", "c"), seed: seed)

        #expect(choice.candidates.map(\.id.description) == ["b"])
        #expect(!choice.isLastResort)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func ifAllRestTheOneThatIsDueSoonestIsTriedAlone(seed: UInt64) throws {
        let choice = try choose(holding: [], references: [], order: Self.resting("c", "b", "a"), seed: seed)

        #expect(choice.candidates.map(\.id.description) == ["c"])
        #expect(choice.isLastResort)
    }

    @Test
    func theOnlyHolderOfAFileIsTriedThoughItRests() throws {
        let choice = try choose(holding: [Samples.copy(at: DeploymentID("b"))], order: Self.resting("b"))

        #expect(choice.candidates.map(\.id.description) == ["b"])
        #expect(choice.isLastResort)
    }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func copiesAreMadeWhereNothingRestsBeforeOthers(seed: UInt64) throws {
        let elsewhere = [Samples.copy(at: DeploymentID("other"), id: "x")]
        let choice = try choose(holding: elsewhere, readable: ["other"], order: Self.resting("a", "b"), seed: seed)

        #expect(choice.fills.map(\.deployment.id.description) == ["c", "a", "b"])
        #expect(!choice.isLastResort)
    }
}
