import HostConfig

/// Configurations that tests start from.
enum ConfigurationFixtures {
    static let environment = ["OPENAI_API_KEY": "sk-upstream-secret", "GANTRY_MASTER_KEY": "sk-1234"]

    static let scenario = """
        model_list:
          - model_name: "gemini-2.0-flash"
            litellm_params: {model: vertex_ai/gemini-2.0-flash, vertex_project: my-project-id, vertex_location: us-central1}
          - model_name: "gpt-4o-mini-openai"
            litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
        general_settings:
          master_key: sk-1234            # or LITELLM_MASTER_KEY
          database_url: "postgresql://gantry:hunter2@db/gantry"
        """

    static let openAI = """
        id: openai
        version: "1.4.0"
        library: libgantry-plugin-openai.so
        providers: [openai]
        hosts: [api.openai.com]
        """

    static let vertexAI = """
        id: vertex-ai
        version: "1.0.0"
        library: libgantry-plugin-vertex-ai.so
        providers: [vertex_ai, gemini]
        hosts:
          - "*-aiplatform.googleapis.com"
          - oauth2.googleapis.com
          - http://127.0.0.1:8080
        configuration: {region: os.environ/REGION, retries: 3, nested: [{deep: os.environ/REGION}]}
        secrets: {audit: os.environ/REGION, literal: abc}
        sha256: 00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff
        isolation: in_process
        """

    static let acme = """
        id: acme
        version: "7"
        wire: openai
        providers: [acme]
        base_url: https://api.acme.example/v1
        headers: {Authorization: "Bearer {api_key}", X-Team: "{team}", X-Plain: gantry}
        secrets: {team: os.environ/REGION}
        api_key_env: ACME_KEY
        operations: [chat, embeddings, models, files, responses.create]
        quirks: {keyless: true, chat_rename: {max_completion_tokens: max_tokens}, file_purposes: {user_data: ocr}}
        """

    /// Loads a configuration with the two plugins, or with other manifests by file name.
    static func load(
        _ text: String,
        manifests: [(String, String)] = [("openai.yaml", openAI), ("vertex-ai.yaml", vertexAI)],
        environment: [String: String] = environment
    ) throws(ConfigurationError) -> GatewayConfiguration {
        var variables = environment
        variables["REGION"] = variables["REGION"] ?? "eu"
        return try ConfigurationLoader(environment: variables).load(
            configuration: .init(path: "config.yaml", bytes: Array(text.utf8)),
            manifests: manifests.map { .init(path: "plugins.d/\($0.0)", bytes: Array($0.1.utf8)) }
        )
    }

    /// The error of a configuration that must not load, as text; nil if it loads.
    static func problem(
        _ text: String,
        manifests: [(String, String)] = [("openai.yaml", openAI), ("vertex-ai.yaml", vertexAI)],
        environment: [String: String] = environment
    ) -> String? {
        do {
            _ = try load(text, manifests: manifests, environment: environment)
            return nil
        } catch {
            return error.description
        }
    }
}
