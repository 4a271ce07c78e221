import Foundation
import Testing

@testable import HostPlugins

struct ELFFactsTests {
    private func facts(options: [String]) throws -> ELFFacts {
        let library = try CompiledLibrary()
        let facts = ELFFacts(try LibraryFile(try library.compile(CompiledLibrary.good, options: options)))
        try library.remove()
        return facts
    }

    @Test
    func whatTheLinkerWasToldIsSeen() throws {
        let facts = try facts(options: [
            "-Wl,-z,now", "-Wl,-z,nodelete", "-Wl,-rpath,/opt/own", "-Wl,--no-as-needed", "-lm",
        ])

        #expect(facts.refusal == nil)
        #expect(facts.exports == ["gantry_plugin_entry_v1"])
        #expect(facts.bindsNow && facts.isNeverUnloaded)
        #expect(facts.hasExecutableStack == false)
        #expect(facts.searchPath == "/opt/own")
        #expect(facts.needs.contains("libm.so.6") && facts.needs.contains("libc.so.6"))
        #expect(facts.machine != nil)
    }

    @Test
    func whatIsMissingIsSeen() throws {
        let facts = try facts(options: ["-Wl,-z,lazy", "-Wl,-z,execstack"])

        #expect(!facts.bindsNow && !facts.isNeverUnloaded)
        #expect(facts.hasExecutableStack == true)
        #expect(facts.refusal == "it asks for an executable stack")
        #expect(facts.searchPath == nil)
    }

    @Test
    func aLibraryThatIsCutOrChangedAnywhereIsReadWithoutATrap() throws {
        let library = try CompiledLibrary()
        let whole = try library.bytes(try library.compile(CompiledLibrary.good, options: ["-s"]))
        for count in stride(from: 0, to: whole.count, by: 61) {
            try library.write("cut.so", Data(whole[..<count]), mode: 0o700)
            _ = ELFFacts(try LibraryFile(library.path("cut.so")))
        }
        // The headers, where every number leads somewhere.
        for index in 0..<min(whole.count, 1024) {
            var changed = whole
            changed[index] = 0xff
            try library.write("changed.so", Data(changed), mode: 0o700)
            _ = ELFFacts(try LibraryFile(library.path("changed.so")))
        }
        let sound = ELFFacts(try LibraryFile(library.path("plugin.so")))

        #expect(sound.refusal == nil)
        try library.remove()
    }
}
