import Foundation
import HostConfig
import Testing

struct ConfigurationLoaderTests {
    private let loader = ConfigurationLoader(
        environment: ConfigurationFixtures.environment.merging(["REGION": "eu"]) { first, _ in first }
    )
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func problem(file: String, plugins: String) -> String? {
        do {
            _ = try loader.load(configurationFile: file, pluginsDirectory: plugins)
            return nil
        } catch {
            return error.description
        }
    }

    @Test
    func manifestsAreThoseOfTheFolderByName() throws {
        let file = try folder.write(ConfigurationFixtures.scenario, to: "config.txt")
        try folder.write(ConfigurationFixtures.openAI, to: "20-openai.yml")
        try folder.write(ConfigurationFixtures.vertexAI, to: "10-vertex.yaml")
        try folder.write("{", to: ".hidden.yaml")
        try folder.write("{", to: "notes.yaml.bak")

        let configuration = try loader.load(configurationFile: file, pluginsDirectory: folder.path)

        #expect(configuration.plugins.map(\.id) == ["vertex-ai", "openai"])
        #expect(
            configuration.plugins.map(\.file) == ["10-vertex.yaml", "20-openai.yml"].map { "\(folder.path)/\($0)" }
        )
    }

    @Test
    func missingFilesAndFoldersAreNamed() throws {
        let file = try folder.write(ConfigurationFixtures.scenario, to: "config.txt")
        let missing = folder.path + "/missing"

        #expect(problem(file: missing, plugins: folder.path) == "\(missing): there is no such file. Check the path.")
        #expect(problem(file: file, plugins: missing) == "\(missing): there is no such file. Check the path.")
        #expect(problem(file: file, plugins: file) == "\(file): this is not a directory. Name the folder of manifests.")
        #expect(
            problem(file: folder.path, plugins: folder.path) == "\(folder.path): this is a directory. Name a YAML file."
        )
        #expect(
            problem(file: file + "/x", plugins: folder.path)
                == "\(file)/x: a part of the path is not a directory. Check the path."
        )
    }

    @Test
    func aDeviceOrAnEndlessFileIsRefused() {
        #expect(
            problem(file: "/dev/zero", plugins: folder.path)
                == "/dev/zero: this is not a regular file. Name a YAML file."
        )
    }

    @Test
    func otherEncodingsAreRefused() throws {
        let utf16 = try folder.write(Data([0xff, 0xfe, 0x61, 0x00]), to: "utf16.txt")

        #expect(problem(file: utf16, plugins: folder.path) == "\(utf16): the file is not UTF-8 text. Save it as UTF-8.")
    }

    @Test
    func aFileOverTheLimitIsRefused() throws {
        let large = try folder.write(Data(repeating: 0x20, count: 2 << 20), to: "large.txt")

        #expect(
            problem(file: large, plugins: folder.path)
                == "\(large): the file is larger than 1 MiB. Split it or shorten it."
        )
    }

    @Test
    func aManifestThatIsAFolderIsAnError() throws {
        let file = try folder.write(ConfigurationFixtures.scenario, to: "config.txt")
        let inner = folder.path + "/inner.yaml"
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)

        #expect(problem(file: file, plugins: folder.path + "/") == "\(inner): this is a directory. Name a YAML file.")
    }

    @Test
    func aHostileFileNameStaysOnOneLine() throws {
        let path = folder.path + "/a\nb: c"

        #expect(problem(file: path, plugins: folder.path)?.contains("\n") == false)
    }
}
