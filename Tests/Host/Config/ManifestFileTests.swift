import HostConfig
import Testing

struct ManifestFileTests {
    private let good = "id: a\nversion: 1\nlibrary: a.so\nproviders: [a]\n"

    private func files(_ manifests: [(String, String)]) throws -> [ManifestFile] {
        let folder = try TemporaryFolder()
        for (name, text) in manifests { try folder.write(text, to: name) }
        return try ConfigurationLoader(environment: [:]).manifestFiles(in: folder.path)
    }

    private func problem(_ file: ManifestFile) -> String? {
        guard case .failure(let error) = file.manifest else { return nil }
        return error.message
    }

    @Test
    func oneThatIsWrongHidesNoOther() throws {
        let version = good.replacing("version: 1", with: "version: \"1\"")
        let files = try files([("a.yaml", "id: [\n"), ("b.yaml", version), ("c.yml", "id: 7\n")])

        #expect(files.map { problem($0) == nil } == [false, true, false])
        #expect(try files[1].manifest.get().bytes == Array(version.utf8))
    }

    @Test
    func aDisabledOneIsReadButTakesNothingFromOthers() throws {
        let text = good.replacing("version: 1", with: "version: \"1\"")
        let files = try files([("a.yaml", text + "enabled: false\n"), ("b.yaml", text), ("c.yaml", text)])

        #expect(files.map(\.isEnabled) == [false, true, true])
        #expect(try files[0].manifest.get().id == "a")
        #expect(problem(files[1]) == nil)
        #expect(problem(files[2])?.contains("the id a is also that of ") == true)
    }
}
