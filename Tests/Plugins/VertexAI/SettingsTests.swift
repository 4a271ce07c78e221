import GantryPlugin
import PluginHarness
import Testing

@testable import VertexAIAdapter

struct SettingsTests {
    @Test
    func whatIsLeftOutHasItsDefault() throws {
        let settings = try Deployment.settings()

        #expect(settings.location == "us-central1")
        #expect(settings.vertexOrigin == "https://us-central1-aiplatform.googleapis.com")
        #expect(settings.storage?.origin == "https://storage.googleapis.com")
        #expect(settings.storage?.idPrefix == "gs://bucket/gantry/")
        #expect(settings.storage?.isAnonymous == false)
    }

    @Test(
        arguments: [
            (
                ["vertex_location": "global"],
                "https://aiplatform.googleapis.com/v1/projects/my-project/locations/global"
                    + "/publishers/google/models/gemini-2.0-flash:x"
            ),
            (
                ["vertex_location": "europe-west4", "model": "gemini-2.5-pro@001"],
                "https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west4"
                    + "/publishers/google/models/gemini-2.5-pro%40001:x"
            ),
            (
                ["api_base": "http://127.0.0.1:8081/", "model": "1234567890"],
                "http://127.0.0.1:8081/v1/projects/my-project/locations/us-central1/endpoints/1234567890:x"
            ),
            (
                ["vertex_project": nil],
                "https://us-central1-aiplatform.googleapis.com/v1/projects/from-key/locations/us-central1"
                    + "/publishers/google/models/gemini-2.0-flash:x"
            ),
        ] as [(JSON, String)]
    )
    func aModelHasItsURL(changes: JSON, url: String) throws {
        #expect(try Deployment.settings(changes).modelURL(method: "x") == url)
    }

    @Test(
        arguments: [
            (["model": nil], "model"), (["model": "a/b"], "model"), (["model": ".."], "model"),
            (["model": 1], "model"), (["vertex_project": "a/b"], "vertex_project"),
            (["vertex_project": nil, "vertex_credentials": nil], "vertex_project"),
            (["vertex_location": "evil.com/"], "vertex_location"), (["vertex_location": "a.b"], "vertex_location"),
            (["vertex_location": ["us"]], "vertex_location"), (["api_base": "127.0.0.1:80"], "api_base"),
            (["api_base": "https://x/v1"], "api_base"), (["api_base": "ftp://x"], "api_base"),
            (["api_base": "https://user@x"], "api_base"), (["api_base": "https://x\r\n"], "api_base"),
            (["api_base": "https://"], "api_base"), (["api_base": "https://x:99999"], "api_base"),
            (["gcs_bucket_name": "a/b"], "gcs_bucket_name"), (["gcs_bucket_name": ".."], "gcs_bucket_name"),
            (["gcs_prefix": "/a"], "gcs_prefix"), (["gcs_prefix": "a//b"], "gcs_prefix"),
            (["gcs_prefix": "a/../b"], "gcs_prefix"), (["gcs_prefix": "a b"], "gcs_prefix"),
            (["gcs_api_base": "x/y"], "gcs_api_base"), (["metadata_host": "?"], "metadata_host"),
            (["safety_settings": "x"], "safety_settings"), (["safety_settings": [1]], "safety_settings"),
            (["labels": [:]], "labels"), (["api_key": ["secret": "x"]], "api_key"),
            (["vertex_credentials": "x"], "vertex_credentials"), (["vertex_credentials": [:]], "vertex_credentials"),
            (["vertex_credentials": ["type": "external_account"]], "vertex_credentials"),
            (["vertex_credentials": ["type": "service_account", "client_email": "x"]], "vertex_credentials"),
            (["vertex_credentials": ["type": "authorized_user", "client_id": "x"]], "vertex_credentials"),
        ] as [(JSON, String)]
    )
    func aBadParameterIsRefusedByName(changes: JSON, parameter: String) throws {
        let failure = try #require(#expect(throws: Failure.self) { try Deployment.harness(changes) })

        #expect(failure.reason == .invalid)
        #expect(failure.parameter == parameter)
        #expect(failure.message.contains(parameter))
    }

    @Test(
        arguments: [
            ("127.0.0.1:4443", "http://127.0.0.1:4443"), ("HTTP://Localhost:80/", "http://localhost"),
            ("https://[::1]:443", "https://[::1]"), ("[::1]:9", "http://[::1]:9"), ("fake-gcs", "http://fake-gcs"),
        ]
    )
    func anEmulatorMayComeWithoutAScheme(address: String, origin: String) throws {
        #expect(try Deployment.settings(["gcs_api_base": .string(address)]).storage?.origin == origin)
    }

    @Test(
        arguments: [
            (["vertex_credentials": nil, "gcs_api_base": "127.0.0.1:1"], true),
            (["gcs_api_base": "127.0.0.1:1"], false),
            (["vertex_credentials": nil], false),
            (["vertex_credentials": nil, "gcs_api_base": "127.0.0.1:1", "metadata_host": "127.0.0.1:2"], false),
        ] as [(JSON, Bool)]
    )
    func onlyAnEmulatorWithoutCredentialsIsAnonymous(changes: JSON, isAnonymous: Bool) throws {
        #expect(try Deployment.settings(changes).storage?.isAnonymous == isAnonymous)
    }

    @Test
    func thePluginTellsItsParameters() throws {
        let description = try Deployment.harness().describe

        let credentials = description["params"]?["vertex_credentials"]
        #expect(credentials?["kind"] == "credentials")
        #expect(credentials?["env"] == "GOOGLE_APPLICATION_CREDENTIALS")
        #expect(credentials?["members"] == ["private_key", "client_secret", "refresh_token"])
        #expect(credentials?["endpoints"] == ["token_uri"])
        #expect(description["params"]?["gcs_api_base"]?["env"] == "STORAGE_EMULATOR_HOST")
        #expect(description["content_purposes"] == ["*"])
        #expect(description["lost_files"] == "none")
    }
}
