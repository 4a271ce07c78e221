import NIOCore

/// What happens to a job on its way.
extension FineTuningJob {
    private static let checkpoints = 2

    /// Ends the job with an error.
    mutating func fail(at time: Int, code: String, _ message: String, param: String?) {
        status = .failed
        finishedAt = time
        trainedTokens = nil
        error = ["code": .string(code), "message": .string(message), "param": param.map(JSON.string) ?? .null]
        tell(message, at: time, level: "error")
    }

    /// Chooses what was left to the provider.
    mutating func start(at time: Int) {
        let chosen: [String: JSON] = ["batch_size": 1, "learning_rate_multiplier": 1.8, "n_epochs": 3]
        var values = hyperparameters.object ?? JSONObject()
        for (name, value) in chosen where values[name]?.string == "auto" { values[name] = value }
        hyperparameters = .object(values)
        tell("Fine-tuning job started", at: time)
    }

    /// Makes the model, its checkpoints and, where there are files to keep it in, the table of its results.
    mutating func succeed(at time: Int, files: OpenAIFiles?) throws {
        let epochs = hyperparameters["n_epochs"]?.integer ?? 1
        let name = "ft:\(model):\(organization):\(suffix ?? ""):\(RandomName.alphanumeric(8))"
        for step in 1...(epochs + 1) * 10 { tell("Step \(step)", at: time, data: Self.metrics(step: step)) }
        for number in 1...Self.checkpoints {
            let step = number * 10
            checkpoints.append(
                Checkpoint(
                    id: "ftckpt_" + RandomName.alphanumeric(24),
                    createdAt: time,
                    model: "\(name):ckpt-step-\(step)",
                    step: step
                )
            )
        }
        fineTunedModel = name
        trainedTokens = (trainedTokens ?? 0) * epochs
        tell("New fine-tuned model created: \(name)", at: time)
        tell("The job has successfully completed", at: time)
        if let files { resultFileIDs = [try results(in: files)] }
    }

    private func results(in files: OpenAIFiles) throws -> String {
        var text = "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"
        for checkpoint in checkpoints {
            let metrics = Self.metrics(step: checkpoint.step)
            text += "\(checkpoint.step),\(metrics["train_loss"]?.text ?? ""),"
            text += "\(metrics["train_mean_token_accuracy"]?.text ?? ""),,\n"
        }
        let writer = try files.blobs.writer()
        try writer.append(ByteBuffer(string: text))
        return try files.insert(
            try writer.finish(),
            filename: "step_metrics.csv",
            purpose: "fine-tune-results",
            account: account,
            lifetime: nil
        )
    }
}
