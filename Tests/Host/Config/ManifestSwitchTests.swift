import HostConfig
import Testing

struct ManifestSwitchTests {
    /// Writes a manifest, switches it, and gives what it is then; nil if it is refused.
    private func switched(_ text: String, to isEnabled: Bool) throws -> String? {
        let folder = try TemporaryFolder()
        try folder.write(text, to: "a.yaml")
        let file = try #require(try ConfigurationLoader(environment: [:]).manifestFiles(in: folder.path).first)
        do throws(ConfigurationError) {
            return String(decoding: try ManifestSwitch.set(isEnabled, in: file), as: UTF8.self)
        } catch {
            #expect(error.message.hasPrefix("enabled cannot be changed here. Write `enabled: \(isEnabled)` by hand."))
            return nil
        }
    }

    private static let plain = "# first\nid: a\nversion: 1.0.0 # why\nlibrary: a.so\n"

    @Test(arguments: [
        // In block style the word alone changes.
        ("id: a\nenabled: true # yes\nversion: 1\n", "id: a\nenabled: false # yes\nversion: 1\n"),
        ("enabled:   yes\nid: a\n", "enabled:   false\nid: a\n"),
        ("id: a\n\"enabled\" : on\n", "id: a\n\"enabled\" : false\n"),
        ("id: a\n'enabled': true", "id: a\n'enabled': false"),
        ("id: a\nenabled: # nothing\n", "id: a\nenabled: false # nothing\n"),
        ("id: a\nenabled:\n", "id: a\nenabled: false\n"),
        ("id: a\nenabled: ~\n", "id: a\nenabled: false\n"),
        ("id: a\r\nenabled: true\r\n", "id: a\r\nenabled: false\r\n"),
        ("\u{feff}id: a\nenabled: true\n", "\u{feff}id: a\nenabled: false\n"),
        ("---\nid: a\nenabled: true\n...\n", "---\nid: a\nenabled: false\n...\n"),
        // Other mappings have such a key too, on the same line even.
        (
            "configuration: {enabled: true}\nenabled: true\nid: a\n",
            "configuration: {enabled: true}\nenabled: false\nid: a\n"
        ),
        (
            "{id: a, configuration: {enabled: true}, enabled: true}",
            "{id: a, configuration: {enabled: true}, enabled: false}"
        ),
        ("{\"id\": \"a\", \"enabled\": true}\n", "{\"id\": \"a\", \"enabled\": false}\n"),
        ("{\"id\":\"a\",\"enabled\":true}\n", "{\"id\":\"a\",\"enabled\": false}\n"),
        ("{id: \"enabled: true\", enabled: true}", "{id: \"enabled: true\", enabled: false}"),
    ])
    func aWordThatIsThereIsReplaced(text: String, expected: String) throws {
        #expect(try switched(text, to: false) == expected)
    }

    @Test(arguments: [
        (plain, plain + "enabled: false\n"),
        ("id: a\nlibrary: a.so", "id: a\nlibrary: a.so\nenabled: false\n"),
        ("id: a\r\nlibrary: a.so\r\n", "id: a\r\nlibrary: a.so\r\nenabled: false\r\n"),
        ("---\n# c\nid: a\n...\n", "---\n# c\nenabled: false\nid: a\n...\n"),
        ("id: a\nlibrary: |\n  a\n\n", "id: a\nlibrary: |\n  a\n\nenabled: false\n"),
        ("id: a\nlibrary: |+\n  a\n\n", "id: a\nlibrary: |+\n  a\n\nenabled: false\n"),
        ("{\"id\": \"a\"}\n", "{\"enabled\": false, \"id\": \"a\"}\n"),
        ("# {}\n{id: a,\n version: 1}\n", nil),
        ("? id\n: a\n", "? id\n: a\nenabled: false\n"),
        ("id: a\nconfiguration:\n  enabled: true\n", "id: a\nconfiguration:\n  enabled: true\nenabled: false\n"),
    ])
    func aLineIsAddedWhereThereIsNone(text: String, expected: String?) throws {
        #expect(try switched(text, to: false) == expected)
    }

    @Test(arguments: [
        "id: a\nenabled: os.environ/ENABLED\n", "id: a\nenabled:\n  true\n", "enabled: !!bool true\nid: a\n",
        "version: &x true\nenabled: *x\n", "enabled: \"true\"\nid: a\n", "enabled: [true]\nid: a\n",
    ])
    func whatNobodyCanBeSureOfIsLeftToAPerson(text: String) throws {
        #expect(try switched(text, to: false) == nil)
    }

    @Test(arguments: ["id: a\n", "id: a\nenabled: true\n", "id: a\nenabled: yes # x\n"])
    func whatIsSoAlreadyIsNotTouched(text: String) throws {
        #expect(try switched(text, to: true) == text)
    }

    @Test
    func backAndForthIsWhereItBegan() throws {
        let text = "# {enabled: true}\nid: a\nenabled: true   # keep\n\nhosts: [a.example] # enabled: false\n"
        let off = try #require(try switched(text, to: false))

        #expect(off != text)
        #expect(try switched(off, to: true) == text)
    }
}
