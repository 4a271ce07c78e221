import GantryPlugin

/// One deployment's parameters, checked once at start-up; what goes into URLs has been found safe there.
struct Settings: Sendable {
    let model: String
    let project: String
    let location: String
    let credentials: CredentialSource
    /// Scheme and authority of Vertex AI, without a path.
    let vertexOrigin: String
    let safetySettings: JSON?
    let storage: StorageSettings?

    /// The URL of a method, such as `generateContent`, of the deployment's model or of another one that
    /// ``model(named:)`` has given.
    func modelURL(method: String, model: String? = nil) -> String {
        let model = model ?? self.model
        guard !Self.isEndpointPath(model) else { return "\(vertexOrigin)/v1/\(model):\(method)" }
        // A tuned model is called at its endpoint, whose name is a number.
        let isEndpoint = model.utf8.allSatisfy(Wire.isDigit)
        let resource = isEndpoint ? "endpoints/\(model)" : "publishers/google/models/\(Wire.percentEncoded(model))"
        return "\(vertexOrigin)/v1/projects/\(project)/locations/\(location)/\(resource):\(method)"
    }

    /// The model that the host has found in a request: the deployment's, or one that was tuned from it.
    func model(named references: [Reference]) throws(Failure) -> String {
        guard let name = references.first(where: { $0.kind == .model })?.upstreamID, name != model else { return model }
        guard Self.isEndpointPath(name) else { return model }
        guard ResourceName(name, collection: "endpoints")?.location == location else {
            throw Failure(
                .invalid,
                "The tuned model is not in this deployment's location \(location).",
                parameter: "model"
            )
        }
        return name
    }

    /// Whether a model's name is `projects/…/locations/…/endpoints/N`, as tuned models are called.
    static func isEndpointPath(_ model: String) -> Bool { ResourceName(model, collection: "endpoints") != nil }
}

/// Where the deployment keeps its files.
struct StorageSettings: Sendable {
    let bucket: String
    let prefix: String
    /// Scheme and authority of Cloud Storage, without a path.
    let origin: String
    /// An emulator without credentials is spoken to without a token, as Google's own clients do.
    let isAnonymous: Bool

    /// What the id of every file of this deployment starts with.
    var idPrefix: String { "gs://\(bucket)/\(prefix)/" }
}

extension Settings {
    /// Reads the deployment's parameters.
    init(parameters: JSON) throws(Failure) {
        guard let object = parameters.object else {
            throw Failure(.invalid, "The parameters of a Vertex AI deployment are not a JSON object.")
        }
        try parameters.refuseUnknown(VertexAIAdapter.parameterNames, of: "Vertex AI")
        let reader = ParameterReader(object: object)
        let credentials = try CredentialSource(
            document: object["vertex_credentials"],
            metadataOrigin: try reader.origin("metadata_host", defaultScheme: "http") ?? Wire.metadataOrigin
        )
        let location = try reader.name("vertex_location", others: "-", limit: 63) ?? "us-central1"
        let regionalHost = location == "global" ? "aiplatform" : "\(location)-aiplatform"

        self.model = try reader.model()
        self.project = try reader.project(fallback: credentials.projectID)
        self.location = location
        self.credentials = credentials
        self.vertexOrigin =
            try reader.origin("api_base", defaultScheme: nil) ?? "https://\(regionalHost).googleapis.com"
        self.safetySettings = try reader.safetySettings()
        self.storage = try reader.storage(credentials: credentials)
    }
}

/// Takes parameters one by one; each failure names its parameter.
private struct ParameterReader {
    let object: JSONObject

    /// The parameter's text; nil where it is absent, null or empty.
    func text(_ name: String) throws(Failure) -> String? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.string else { throw invalid(name, "must be a string") }
        return text.isEmpty ? nil : text
    }

    func name(_ name: String, others: String, limit: Int) throws(Failure) -> String? {
        guard let value = try text(name) else { return nil }
        guard Wire.isName(value, others: others, limit: limit) else {
            throw invalid(name, "may hold letters, digits and \(others) only, at most \(limit) of them")
        }
        return value
    }

    func model() throws(Failure) -> String {
        if let path = try text("model"), Settings.isEndpointPath(path) { return path }
        guard let model = try name("model", others: "-._@", limit: 128) else {
            throw invalid("model", "is missing")
        }
        guard model != ".", model != ".." else { throw invalid("model", "is not a model name") }
        return model
    }

    func project(fallback: String?) throws(Failure) -> String {
        // `example.com:name` is the form of projects under a domain.
        guard let project = try name("vertex_project", others: "-.:", limit: 100) ?? fallback else {
            throw invalid(
                "vertex_project",
                "is missing: set it, or GOOGLE_CLOUD_PROJECT, or give credentials that name a project_id"
            )
        }
        guard Wire.isName(project, others: "-.:", limit: 100), project != ".", project != ".." else {
            throw invalid("vertex_project", "taken from the credentials' project_id is not a project's name")
        }
        return project
    }

    /// A URL without a path, as `scheme://host[:port]` in lower case.
    func origin(_ name: String, defaultScheme: String?) throws(Failure) -> String? {
        guard let text = try text(name) else { return nil }
        guard let origin = Origin(text, defaultScheme: defaultScheme) else {
            throw invalid(name, "must be an http:// or https:// address of a host, without a path")
        }
        return origin.text
    }

    func safetySettings() throws(Failure) -> JSON? {
        guard let value = object["safety_settings"], !value.isNull else { return nil }
        guard let entries = value.array, entries.allSatisfy({ $0.object != nil }) else {
            throw invalid("safety_settings", "must be a list of objects with category and threshold")
        }
        return entries.isEmpty ? nil : value
    }

    func storage(credentials: CredentialSource) throws(Failure) -> StorageSettings? {
        let emulator = try origin("gcs_api_base", defaultScheme: "http")
        let prefix = try text("gcs_prefix") ?? "gantry"
        guard Self.isPrefix(prefix) else {
            throw invalid("gcs_prefix", "may hold letters, digits and -._ in parts divided by single slashes")
        }
        guard let bucket = try name("gcs_bucket_name", others: "-._", limit: 222) else { return nil }
        guard bucket != ".", bucket != ".." else { throw invalid("gcs_bucket_name", "is not a bucket's name") }
        let hasMetadataServer = try text("metadata_host") != nil
        return StorageSettings(
            bucket: bucket,
            prefix: prefix,
            origin: emulator ?? Wire.storageOrigin,
            isAnonymous: emulator != nil && credentials.isMetadataServer && !hasMetadataServer
        )
    }

    private static func isPrefix(_ prefix: String) -> Bool {
        guard prefix.utf8.count <= 256 else { return false }
        let parts = prefix.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for part in parts {
            let text = String(Substring(part))
            guard Wire.isName(text, others: "-._", limit: 256), text != ".", text != ".." else { return false }
        }
        return true
    }

    private func invalid(_ name: String, _ problem: String) -> Failure {
        Failure(.invalid, "The parameter \(name) of a Vertex AI deployment \(problem).", parameter: name)
    }
}
