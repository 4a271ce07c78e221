import GantryPlugin

/// Batches and fine-tuning.
extension VertexAITarget {
    nonisolated(nonsending) func inputCreation(_ operation: Operation) async throws(Failure) -> JSON {
        try await InputCreation(
            try operation.inputJSON(),
            settings: settings,
            storage: try cloudStorage(for: operation),
            buckets: buckets.names
        ).run()
    }

    nonisolated(nonsending) func batch(_ operation: Operation) async throws(Failure) -> JSON {
        let input = try operation.inputJSON()
        let storage = try cloudStorage(for: operation)
        let jobs = ProviderJobs(collection: BatchJobs.collection, settings: settings, operation: operation)
        let batches = BatchJobs(jobs: jobs, storage: storage.settings)
        let id = input["id"]?.string ?? ""
        switch operation.kind {
        case .batchCreate: return try await batches.create(input)
        case .batchGet: return try await batches.get(id)
        case .batchCancel: return try await batches.cancel(id)
        case .batchList: return try await batches.search(input)
        default: return try await BatchResults(input, jobs: jobs, storage: storage, host: host).make()
        }
    }

    nonisolated(nonsending) func tuning(_ operation: Operation) async throws(Failure) -> JSON {
        let input = try operation.inputJSON()
        let jobs = ProviderJobs(collection: TuningJobs.collection, settings: settings, operation: operation)
        let tunings = TuningJobs(jobs: jobs, storage: try cloudStorage(for: operation).settings)
        let id = input["id"]?.string ?? ""
        switch operation.kind {
        case .tuneCreate: return try await tunings.create(input)
        case .tuneGet: return try await tunings.get(id)
        case .tuneCancel: return try await tunings.cancel(id)
        case .tuneList: return try await tunings.search(input)
        case .tuneEvents: return try await tunings.events(input)
        default: return try await tunings.checkpoints(input)
        }
    }
}
