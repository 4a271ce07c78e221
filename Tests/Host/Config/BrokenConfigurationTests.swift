import HostConfig
import Testing

/// Each broken configuration and the one line that says so.
struct BrokenConfigurationTests {
    private static let model = "model_list: [{model_name: a, litellm_params: {model: gpt}}]\n"

    @Test(arguments: [
        ("", "config.yaml: the file is empty. See config.example.yaml for what it holds."),
        ("# nothing\n", "config.yaml: the file is empty. See config.example.yaml for what it holds."),
        ("---\n...\n", "config.yaml: the file is empty. See config.example.yaml for what it holds."),
        ("- a\n", "config.yaml:1: must be a mapping, not a list."),
        ("model_list", "config.yaml:1: must be a mapping, not a string."),
        (
            "a: [1\nb: 2",
            "config.yaml:2: this is not YAML: did not find expected ',' or ']'. Check the line and the ones before it."
        ),
        (
            "a: b: c",
            "config.yaml:1: this is not YAML: mapping values are not allowed in this context. "
                + "Check the line and the ones before it."
        ),
        (
            "a: 1\n---\nb: 2\n",
            "config.yaml:2: this is not YAML: but found another document. Check the line and the ones before it."
        ),
        ("a: \"\u{1}\"", "config.yaml:1: the character U+1 is not allowed. Remove it."),
        ("a: 1\r\nb: \u{2028}", "config.yaml:2: the character U+2028 is not allowed. Remove it."),
        (
            "general_settings:\n  master_key: sk-a\n  master_key: sk-b\n",
            "config.yaml:2: master_key: this key stands again further down in the same mapping. Keep one of them."
        ),
        (
            "a: !ruby/object x",
            "config.yaml:1: a: this tag is not supported. Remove it, or put a text that starts with ! in quotes."
        ),
        (
            "general_settings: {master_key:sk-hunter2, id_format: gantry}",
            "config.yaml:1: general_settings.master_key…: unknown key. Put a blank after the colon of master_key."
        ),
        ("a: !!int x", "config.yaml:1: a: the value does not fit its tag. Remove the tag."),
        ("[a]: b", "config.yaml:1: a key is an alias, a list or a mapping. Write a plain name."),
        ("a: &x 1\n*x : b", "config.yaml:2: a key is an alias, a list or a mapping. Write a plain name."),
        ("a:\n  b: *x", "config.yaml:2: a.b: " + noAnchor),
        ("a: &x [*x]", "config.yaml:1: a[0]: " + noAnchor),
        ("a: &x 1\nb:\n  <<: *x", "config.yaml:3: b.<<: must be an alias of a mapping, or a list of such aliases."),
    ])
    func textThatIsNoConfiguration(text: String, expected: String) {
        #expect(ConfigurationFixtures.problem(text) == expected)
    }

    @Test(arguments: [
        ("model_lst: []", "config.yaml:1: model_lst: unknown key. Did you mean model_list?"),
        ("\n\nGeneral-Settings: {}", "config.yaml:3: General-Settings: unknown key. Did you mean general_settings?"),
        (
            "zebra: 1",
            "config.yaml:1: zebra: unknown key. "
                + "The keys here are model_list, general_settings, litellm_settings, router_settings, plugin_settings, environment_variables."
        ),
        ("include: [a.yaml]", "config.yaml:1: include: include is not supported. Put the models into this file."),
        ("general_settings: {}", "config.yaml:1: model_list is missing. Add the models that the gateway serves."),
        ("model_list:\n", "config.yaml:1: model_list is missing. Add the models that the gateway serves."),
        ("model_list: []", "config.yaml:1: model_list: the list is empty. Add a model."),
        ("model_list: {}", "config.yaml:1: model_list: must be a list, not a mapping."),
        ("model_list: [1]", "config.yaml:1: model_list[0]: must be a mapping, not a number."),
        ("litellm_settings: []", "config.yaml:1: litellm_settings: must be a mapping, not a list."),
        ("environment_variables: 3", "config.yaml:1: environment_variables: must be a mapping, not a number."),
        (
            "environment_variables: {A-B: c}",
            "config.yaml:1: environment_variables.A-B: "
                + "a variable's name has only letters, digits and _, and no digit first. Rename it."
        ),
        (
            "environment_variables: {KEY: 1.5}",
            "config.yaml:1: environment_variables.KEY: must be a string, not a number. Put it in quotes."
        ),
    ])
    func sectionsThatAreWrong(text: String, expected: String) {
        #expect(ConfigurationFixtures.problem(text) == expected)
    }

    @Test(arguments: [
        ("{}", "model_list[0]: model_name is missing. Give the name that clients use."),
        ("{model_name: a}", "model_list[0]: litellm_params is missing. Give the model and how to reach it."),
        (
            "{model_name: a, litellm_params: {}}",
            "model_list[0].litellm_params: model is missing. Give the provider's model, such as openai/gpt-4o-mini."
        ),
        (
            "{model_name: a, litellm_param: {}}",
            "model_list[0].litellm_param: unknown key. Did you mean litellm_params?"
        ),
        (
            "{model_name: 4, litellm_params: {model: gpt}}",
            "model_list[0].model_name: must be a string, not a number. Put it in quotes."
        ),
        (
            "{model_name: \"\", litellm_params: {model: gpt}}",
            "model_list[0].model_name: must be 1 to 128 bytes of printable text."
        ),
        (
            "{model_name: \"a\\nb\", litellm_params: {model: gpt}}",
            "model_list[0].model_name: must be 1 to 128 bytes of printable text."
        ),
        (
            "{model_name: openai/*, litellm_params: {model: openai/*}}",
            "model_list[0].model_name: names with a * are not supported. Add an entry for each model."
        ),
        (
            "{model_name: a, litellm_params: {model: [gpt]}}",
            "model_list[0].litellm_params.model: must be a string, not a list."
        ),
        (
            "{model_name: a, litellm_params: {model: anthropic/claude}}",
            "model_list[0].litellm_params.model: no enabled plugin serves the provider \"anthropic\". "
                + "The providers are: gemini, openai, vertex_ai."
        ),
        (
            "{model_name: a, litellm_params: {model: /x}}",
            "model_list[0].litellm_params.model: no enabled plugin serves the provider \"\". "
                + "The providers are: gemini, openai, vertex_ai."
        ),
        (
            "{model_name: a, litellm_params: {model: openai/}}",
            "model_list[0].litellm_params.model: no model stands after the /. Name one."
        ),
        (
            "{model_name: a, plugin: opnai, litellm_params: {model: gpt}}",
            "model_list[0].plugin: no enabled plugin has the id \"opnai\". There are: openai, vertex-ai."
        ),
        (
            "{model_name: a, plugin: openai, litellm_params: {model: gpt, plugin: openai}}",
            "model_list[0].litellm_params.plugin: plugin is also set in config.yaml:2: model_list[0].plugin. Keep one."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt, weight: 0}}",
            "model_list[0].litellm_params.weight: must be a whole number from 1 to 1000000, not 0."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt, weight: 1.5}}",
            "model_list[0].litellm_params.weight: must be a whole number from 1 to 1000000, not 1.5."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt, timeout: soon}}",
            "model_list[0].litellm_params.timeout: "
                + "must be a number of seconds, more than 0 and at most 86400, not \"soon\"."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt, timeout: -1}}",
            "model_list[0].litellm_params.timeout: must be a number of seconds, more than 0 and at most 86400, not -1."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt}, model_info: {id: \"a b\"}}",
            "model_list[0].model_info.id: must be 1 to 128 visible ASCII characters without a comma."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt, api_key: os.environ/NOT_SET}}",
            "model_list[0].litellm_params.api_key: the environment variable NOT_SET is missing or empty. Set it."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt, x: {y: [1, os.environ/EMPTY]}}}",
            "model_list[0].litellm_params.x.y[1]: the environment variable EMPTY is missing or empty. Set it."
        ),
        (
            "{model_name: a, litellm_params: {model: gpt, api_key: os.environ/sk-secret}}",
            "model_list[0].litellm_params.api_key: os.environ/ must be followed by a variable's name: "
                + "letters, digits and _. Correct the name."
        ),
    ])
    func entriesThatAreWrong(entry: String, expected: String) {
        let problem = ConfigurationFixtures.problem(
            "model_list:\n  - \(entry)\n",
            environment: ["EMPTY": "", "GANTRY_MASTER_KEY": "sk-1234"]
        )

        #expect(problem == "config.yaml:2: \(expected)")
    }

    @Test(arguments: [
        ("master_key: sk-123", badMasterKey),
        ("master_key: hunter2-hunter2", badMasterKey),
        ("master_key: \"sk-12 345\"", badMasterKey),
        ("master_key: 12345678", "master_key: must be a string, not a number. Put it in quotes."),
        ("master_key: [sk-hunter2]", "master_key: must be a string, not a list."),
        ("master_keys: sk-hunter2", "master_keys: unknown key. Did you mean master_key?"),
        (
            "database_url: mysql://root:hunter2@db/x",
            "database_url: must start with postgresql://. Correct it, or remove it to use the embedded SQLite."
        ),
        ("id_format: uuid", "id_format: must be gantry or litellm, not \"uuid\"."),
        ("id_format: os.environ/SECRET", "id_format: must be gantry or litellm, not the value of SECRET."),
        ("max_file_size_mb: 0", "max_file_size_mb: must be a whole number from 1 to 8388608, not 0."),
        (
            "max_request_size_mb: 9223372036854775807",
            "max_request_size_mb: must be a whole number from 1 to 2048, not 9223372036854775807."
        ),
        (
            "max_request_size_mb: os.environ/SECRET",
            "max_request_size_mb: must be a whole number from 1 to 2048, not the value of SECRET."
        ),
        (
            "drain_seconds: .inf",
            "drain_seconds: must be a number of seconds, more than 0 and at most 3600, not \".inf\"."
        ),
        (
            "allowed_routes: [a]",
            "allowed_routes: unknown key. The keys here are master_key, database_url, id_format, max_file_size_mb, "
                + "max_upload_size_mb, uploads_disk_mb, uploads_folder, max_request_size_mb, drain_seconds, "
                + "sweep_seconds, stale_seconds, lost_uploads, default_expiry_seconds, webhooks, batch_poll_seconds, "
                + "batch_lost_seconds."
        ),
    ])
    func settingsThatAreWrong(setting: String, expected: String) {
        let text = Self.model + "general_settings:\n  \(setting)\n"

        let problem = ConfigurationFixtures.problem(
            text,
            environment: ["SECRET": "hunter2", "GANTRY_MASTER_KEY": "sk-1234"]
        )

        #expect(problem == "config.yaml:3: general_settings.\(expected)")
    }

    private static let noAnchor =
        "no anchor stands before this alias. Correct its name, or put a text that starts with * in quotes."

    private static let badMasterKey =
        "master_key: a master key starts with sk- and has 7 to 512 visible ASCII characters. Choose such a key."

    @Test
    func withoutAMasterKeyTheErrorSaysWhereToSetOne() {
        #expect(
            ConfigurationFixtures.problem(Self.model, environment: [:])
                == "config.yaml:1: general_settings: master_key is missing. "
                + "Set it to a key that starts with sk-, or set GANTRY_MASTER_KEY."
        )
    }

    @Test
    func aBadMasterKeyOfTheEnvironmentIsNotShown() {
        #expect(
            ConfigurationFixtures.problem(Self.model, environment: ["LITELLM_MASTER_KEY": "hunter2"])
                == "environment: LITELLM_MASTER_KEY: "
                + "a master key starts with sk- and has 7 to 512 visible ASCII characters. Choose such a key."
        )
    }

    @Test
    func twoDeploymentsWithOneIDNameBothPlaces() {
        let text = """
            model_list:
              - {model_name: a, litellm_params: {model: gpt}, model_info: {id: "b~1"}}
              - {model_name: b, litellm_params: {model: gpt}}
            """

        #expect(
            ConfigurationFixtures.problem(text)
                == "config.yaml:3: model_list[1].model_name: this deployment has the same id as "
                + "config.yaml:2: model_list[0].model_info.id. Give each its own model_info.id."
        )
    }
}
