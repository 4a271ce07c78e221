import HostConfig
import Testing

/// Damaged configurations give a value or an error of one line, and never show a secret.
struct ConfigurationFuzzTests {
    @Test(arguments: 0..<8)
    func damagedTextNeverTraps(seed: UInt64) {
        var generator = SplitMix64(state: seed)
        let seeds = [
            ConfigurationFixtures.scenario, ConfigurationFixtures.openAI, ConfigurationFixtures.vertexAI,
            ConfigurationFixtures.acme,
            "a: &x {b: [*x, 'c', \"d\\u0041\"], ? e : !!int 3}\nf: |\n  text\ng: >-\n  more\n<<: *x\n",
        ]
        .map { Array($0.utf8) }
        for round in 0..<250 {
            var bytes = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...6, using: &generator) { damage(&bytes, with: seeds, using: &generator) }
            check(configuration: bytes, manifest: seeds[1])
            check(configuration: seeds[0], manifest: bytes)
        }
    }

    private func check(configuration: [UInt8], manifest: [UInt8]) {
        let loader = ConfigurationLoader(environment: ["OPENAI_API_KEY": "hunter2", "REGION": "hunter2"])
        do {
            let value = try loader.load(
                configuration: .init(path: "config.yaml", bytes: configuration),
                manifests: [.init(path: "plugins.d/p.yaml", bytes: manifest)]
            )
            #expect(!value.deployments.isEmpty)
            #expect(value.general.masterKey.hasPrefix("sk-"))
        } catch {
            let text = error.description
            #expect(!text.isEmpty && text.utf8.count < 2000)
            #expect(!text.contains("hunter2"))
            #expect(!text.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
    }

    private func damage(_ bytes: inout [UInt8], with seeds: [[UInt8]], using generator: inout SplitMix64) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        let length = Int.random(in: 1...min(12, bytes.count - place), using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes.remove(at: place)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes[place] = Array("[]{},:?*&!|>'\"%@`#-<\n\t ~/\\".utf8).randomElement(using: &generator) ?? 0
        case 3: bytes.removeSubrange(place..<place + length)
        case 4: bytes.insert(contentsOf: bytes[place..<place + length], at: place)
        default:
            let words = [
                "*x", "&x ", "null", "!!int ", "os.environ/", "<<: *x\n", "? ", "99999999999999999999", "\u{e000}x",
            ]
            bytes.insert(contentsOf: Array((words.randomElement(using: &generator) ?? "").utf8), at: place)
        }
    }
}

/// A small generator with a seed, so that a failure can be repeated.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
