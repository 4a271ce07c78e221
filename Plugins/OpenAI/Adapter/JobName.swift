import GantryPlugin

/// The name by which a fine-tuning job is found again whose answer nobody has seen: a pair of its metadata.
enum JobName {
    private static let key = "gantry_name"
    /// Source: <https://platform.openai.com/docs/api-reference/fine-tuning/create>, read 2026-11-22.
    private static let mostPairs = 16

    /// The metadata that a job is made with; nil if there is none.
    ///
    /// - Throws: ``Failure`` with `.invalid` if the client writes that pair itself.
    static func add(to input: JSON) throws(Failure) -> JSON? {
        var metadata = input["metadata"]?.object ?? JSONObject()
        guard metadata[key] == nil else {
            throw Failure(.invalid, "`\(key)` is a name of the gateway's own; choose another.", parameter: "metadata")
        }
        if let name = input["name"], metadata.count < mostPairs { metadata[key] = name }
        return metadata.count == 0 ? nil : .object(metadata)
    }

    /// A job as its client knows it.
    static func remove(from job: JSON) -> JSON {
        guard var members = job.object, var metadata = members["metadata"]?.object, metadata[key] != nil else {
            return job
        }
        metadata[key] = nil
        members["metadata"] = metadata.count == 0 ? nil : .object(metadata)
        return .object(members)
    }

    /// What is looked for.
    struct Search {
        /// Unix seconds.
        let since: Int64

        private let name: String
        private let trainingFile: String

        init(_ input: JSON) throws(Failure) {
            name = try Requests.text("name", of: input)
            trainingFile = try Requests.text("training_file", of: input)
            since = try Requests.since(of: input)
        }

        /// Whether a job has the name, or had no room for one and learns from the same file.
        func fits(_ job: JSON) -> Bool {
            let metadata = job["metadata"]?.object
            if let name = metadata?[JobName.key] { return name.string == self.name }
            return metadata?.count ?? 0 >= JobName.mostPairs && job["training_file"]?.string == trainingFile
                && job["created_at"]?.integer ?? 0 >= since
        }
    }
}
