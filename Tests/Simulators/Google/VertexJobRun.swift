/// Moves jobs from state to state, and does at their end what they are there for.
struct VertexJobRun {
    let storage: CloudStorage
    let jobs: VertexJobs
    let clock: SimulatedClock

    /// Moves a job on by one state.
    ///
    /// - Returns: The job as it is now, nil where there is none.
    func advance(_ id: String) throws -> VertexJob? {
        try jobs.update(id) { job in
            switch job.state {
            case "JOB_STATE_PENDING", "JOB_STATE_QUEUED":
                job.state = "JOB_STATE_RUNNING"
                job.startedAt = clock.unixSeconds
            case "JOB_STATE_CANCELLING": try end(&job, as: .cancelled)
            case _ where job.isOver: return
            default: try end(&job, as: job.plan.outcome)
            }
            job.updatedAt = clock.unixSeconds
        }
    }

    private func end(_ job: inout VertexJob, as outcome: VertexJob.Outcome) throws {
        job.state = outcome.state
        job.endedAt = clock.unixSeconds
        do {
            switch job.kind {
            case .batch: try endBatch(&job, as: outcome)
            case .tuning: try endTuning(&job, as: outcome)
            }
        } catch let problem as VertexJob.Problem {
            job.state = VertexJob.Outcome.failed.state
            job.problem = problem
        }
    }

    private func endBatch(_ job: inout VertexJob, as outcome: VertexJob.Outcome) throws {
        switch outcome {
        case .succeeded, .partiallySucceeded: break
        case .failed: throw VertexJob.Problem(code: 13, message: job.plan.message ?? "Internal error occurred.")
        case .expired, .cancelled:
            let message = outcome == .expired ? "The job has run for more than 24 hours." : "CANCELED"
            job.problem = VertexJob.Problem(code: outcome == .expired ? 4 : 1, message: job.plan.message ?? message)
        }
        let answersAll = outcome == .succeeded || outcome == .partiallySucceeded
        let prediction = BatchPrediction(job: job, storage: storage, clock: clock)
        job.result = try prediction.run(limit: job.plan.lines ?? (answersAll ? .max : 0))?.text
    }

    private func endTuning(_ job: inout VertexJob, as outcome: VertexJob.Outcome) throws {
        let request = try JSONParser.parse(job.request.utf8)
        let specification = request["supervisedTuningSpec"]
        let steps = try TuningDataset(storage: storage, account: job.account).check(specification)
        switch outcome {
        case .succeeded, .partiallySucceeded: break
        case .cancelled:
            job.problem = VertexJob.Problem(code: 1, message: job.plan.message ?? "CANCELED")
            return
        case .failed, .expired:
            throw VertexJob.Problem(code: 13, message: job.plan.message ?? "Internal error occurred.")
        }
        let count = specification?["hyperParameters"]?["epochCount"]
        let epochs = count?.integer ?? count?.string.flatMap { Int($0) } ?? 3
        job.result = tunedModel(of: job, epochs: min(epochs, 10), steps: steps).text
    }

    private func tunedModel(of job: VertexJob, epochs: Int, steps: Int) -> JSON {
        let place = "projects/\(AccessGrant.projectNumber(of: job.account))/locations/\(job.location)"
        let number = UInt64(job.id) ?? 1
        let checkpoints: [JSON] = (1...max(epochs, 1)).map { epoch in
            [
                "checkpointId": .string(String(epoch)), "epoch": .string(String(epoch)),
                "step": .string(String(epoch * steps)),
                "endpoint": .string("\(place)/endpoints/\(number / 10 + UInt64(epochs - epoch))"),
            ]
        }
        return [
            "tunedModel": [
                "model": .string("\(place)/models/\(number / 100)@1"),
                "endpoint": .string("\(place)/endpoints/\(number / 10)"), "checkpoints": .array(checkpoints),
            ],
            "tuningDataStats": [
                "supervisedTuningDataStats": [
                    "tuningDatasetExampleCount": .string(String(steps)),
                    "totalBillableTokenCount": .string(String(steps * 10 * epochs)),
                ]
            ],
        ]
    }
}
