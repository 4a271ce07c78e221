import Testing

@testable import HostPlugins

struct SecretStoreTests {
    @Test
    func aDeploymentsSecretIsItsOwn() {
        let store = SecretStore(["shared": "manifest-secret"])
        let first = store.add("secret-a", parameter: "key", scope: .deployment("a"))
        let second = store.add("secret-b", parameter: "key", scope: .deployment("b"))

        #expect(store.value(first, deployment: "a") == "secret-a")
        #expect(store.value(first, deployment: "b") == nil)
        #expect(store.value(second, deployment: "a") == nil)
        #expect(store.value("shared", deployment: "a") == "manifest-secret")
        #expect(store.value("unknown", deployment: "a") == nil)
    }

    @Test
    func idsWithSlashesOpenNoOtherDeploymentsSecrets() {
        let store = SecretStore([:])
        let inner = store.add("secret-ab", parameter: "key", scope: .deployment("a/b"))
        let outer = store.add("secret-a", parameter: "b/key", scope: .deployment("a"))

        #expect(inner != outer)
        #expect(store.value(inner, deployment: "a") == nil)
        #expect(store.value(inner, deployment: "a/b") == "secret-ab")
        #expect(store.value(outer, deployment: "a") == "secret-a")
        #expect(store.value(outer, deployment: "a/b") == nil)
    }

    @Test
    func aPluginsOwnSecretServesAllItsDeployments() {
        let store = SecretStore([:])
        let name = store.add("plugin-secret", parameter: "key", scope: .plugin("openai"))

        #expect(store.value(name, deployment: "a") == "plugin-secret")
    }

    @Test
    func theLongestSecretIsMaskedFirst() {
        let store = SecretStore(["a": "abcdef", "b": "abcdefghij", "c": "xabcdefx"])

        #expect(store.masked("abcdefghij xabcdefx abcdef") == "[secret] [secret] [secret]")
    }

    @Test
    func maskingSeesBytesAndNotCharacters() {
        let store = SecretStore(["a": "secret-value"])

        #expect(store.masked("secret-value\u{301}") == "[secret]\u{301}")
        #expect(store.masked("xsecret-valuesecret-valuey") == "x[secret][secret]y")
        #expect(store.masked("secret-valu") == "secret-valu")
        #expect(store.masked("") == "")
    }

    @Test
    func aSecretThatIsPartOfItsMaskIsMaskedOnce() {
        #expect(SecretStore(["a": "secret"]).masked("the secret") == "the [secret]")
        #expect(SecretStore(["a": "ab"]).masked("ab") == "ab")
        #expect(SecretStore(["a": ""]).masked("ab") == "ab")
    }

    @Test
    func theLinesOfAPEMKeyAreMaskedOneByOne() {
        let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
        let store = SecretStore(["a": "-----BEGIN PRIVATE KEY-----\n\(line)\n-----END PRIVATE KEY-----\n"])

        #expect(store.masked("-----BEGIN PRIVATE KEY-----\\n\(line)\\n") == "-----BEGIN PRIVATE KEY-----\\n[secret]\\n")
    }

    @Test
    func aSecretIsDroppedWithItsLastLease() {
        let store = SecretStore(["shared": "manifest-secret"])
        var first: SecretLease? = SecretLease(store)
        var second: SecretLease? = SecretLease(store)
        let name = store.add("secret-a", parameter: "key", scope: .deployment("a"), lease: first)

        #expect(store.add("secret-a", parameter: "key", scope: .deployment("a"), lease: second) == name)
        first = nil
        #expect(store.value(name, deployment: "a") == "secret-a")
        second = nil
        #expect(first == nil && second == nil)
        #expect(store.value(name, deployment: "a") == nil)
        #expect(store.masked("secret-a manifest-secret") == "secret-a [secret]")
    }

    @Test
    func aNameIsNotGivenToAnotherValueEvenAfterItWasDropped() {
        let store = SecretStore([:])
        var names: Set<String> = []
        for number in 0..<100 {
            let lease = SecretLease(store)
            names.insert(store.add("secret-\(number)", parameter: "key", scope: .deployment("a"), lease: lease))
            let other = SecretLease(store)
            names.insert(store.add("other-\(number)", parameter: "key", scope: .deployment("a"), lease: other))
        }

        #expect(names.count == 200)
    }

    @Test
    func twoDeploymentsWithOneSecretKeepIt() {
        let store = SecretStore([:])
        var lease: SecretLease? = SecretLease(store)
        let first = store.add("secret-a", parameter: "key", scope: .deployment("a"), lease: lease)
        let second = store.add("secret-a", parameter: "key", scope: .deployment("b"))

        lease = nil
        #expect(lease == nil)
        #expect(store.value(first, deployment: "a") == nil)
        #expect(store.value(second, deployment: "b") == "secret-a")
        #expect(store.masked("secret-a") == "[secret]")
    }
}
