/// What tests ask of the simulated OpenAI: `/_sim/openai/…`.
extension OpenAIProvider {
    /// Answers `POST /_sim/openai/hold`, `{"batch": true, "job": true, "response": true}`: what is held goes on only
    /// when a test says so; what is left out stays as it is.
    func hold(_ json: JSON) throws -> JSON {
        let kinds = Dictionary(uniqueKeysWithValues: OpenAIWork.allCases.map { ($0.rawValue, Shape.bool) })
        let json = try ShapeReader(acceptsSnakeCase: false).read(json, as: .record(kinds))
        for kind in OpenAIWork.allCases {
            if let isHeld = json[kind.rawValue]?.bool { holds.set(kind, isHeld: isHeld) }
        }
        return holds.json
    }

    /// Answers `POST /_sim/openai/advance`, see ``OpenAIWish``; the answer has the state of what was moved.
    func advance(_ json: JSON) async throws -> JSON {
        let wish = try OpenAIWish(json)
        var moved: [JSON] = []
        for (id, account) in targets(of: wish) {
            switch wish.kind {
            case .batch: moved.append(try await batches.apply(wish, to: id, for: self.account(account)))
            case .job: moved.append(try await jobs.apply(wish, to: id, for: self.account(account)))
            case .response: moved.append(try responses.apply(wish, to: id, for: self.account(account)))
            }
        }
        guard wish.id == nil || !moved.isEmpty else {
            throw OpenAIError(status: 404, message: "There is no \(wish.kind.rawValue) with the id \(wish.id ?? "").")
        }
        return ["objects": .array(moved)]
    }

    private func targets(of wish: OpenAIWish) -> [(id: String, account: String)] {
        let all: [(id: String, account: String, isOver: Bool)] =
            switch wish.kind {
            case .batch: batches.records.all().map { ($0.id, $0.account, $0.status.isFinal) }
            case .job: jobs.records.all().map { ($0.id, $0.account, $0.status.isFinal) }
            case .response: responses.records.all().map { ($0.id, $0.account, $0.status.isFinal) }
            }
        return all.filter { target in
            guard let id = wish.id else { return !target.isOver && target.account == wish.account ?? target.account }
            return target.id == id
        }
        .map { ($0.id, $0.account) }
    }

    /// The members of `GET /_sim/state`.
    var state: JSON {
        [
            "files": files.state, "batches": batches.records.state, "jobs": jobs.records.state,
            "responses": responses.records.state, "held": holds.json,
        ]
    }

    /// Forgets files, batches, jobs and responses, and holds nothing.
    func reset() throws {
        holds.reset()
        try files.reset()
        try batches.records.reset()
        try jobs.records.reset()
        try responses.records.reset()
    }
}
