import Testing

@testable import HostPlugins

struct ELFInspectionTests {
    /// Compiles, inspects and returns what was exported, or the reason of the refusal.
    private func inspect(_ source: String, options: [String] = []) throws -> Result<[String], ELFInspection.Refusal> {
        let library = try CompiledLibrary()
        let bytes = try library.bytes(try library.compile(source, options: options))
        try library.remove()
        return inspect(bytes)
    }

    private func inspect(_ bytes: [UInt8]) -> Result<[String], ELFInspection.Refusal> {
        Result { () throws(ELFInspection.Refusal) in try ELFInspection(bytes).exportedSymbols }
    }

    private func reason(_ result: Result<[String], ELFInspection.Refusal>) -> String? {
        guard case .failure(let refusal) = result else { return nil }
        return refusal.reason
    }

    private func goodLibrary() throws -> [UInt8] {
        let library = try CompiledLibrary()
        let bytes = try library.bytes(try library.compile(CompiledLibrary.good))
        try library.remove()
        return bytes
    }

    @Test
    func aPluginExportsItsEntryAlone() throws {
        #expect(try inspect(CompiledLibrary.good).get() == ["gantry_plugin_entry_v1"])
    }

    @Test
    func everyVisibleDefinitionIsFound() throws {
        let source =
            CompiledLibrary.good + """
                GANTRY_EXPORT int data = 1;
                __attribute__((visibility("protected"))) void also(void) {}
                __attribute__((weak, visibility("default"))) void weakly(void) {}
                void hidden(void) {}
                static void local(void) {}
                """

        let expected = ["also", "data", "gantry_plugin_entry_v1", "weakly"]
        #expect(try inspect(source).get().sorted() == expected)
        #expect(try inspect("static int nothing; int *f(void) { return &nothing; }").get() == [])
    }

    @Test
    func anExecutableStackIsRefused() throws {
        let result = try inspect(CompiledLibrary.good, options: ["-Wl,-z,execstack"])

        #expect(reason(result) == "it asks for an executable stack")
    }

    @Test
    func otherFilesAreRefused() throws {
        #expect(reason(inspect([])) == "it is not an ELF file")
        #expect(reason(inspect(Array("#!/bin/sh\n".utf8))) == "it is not an ELF file")
        #expect(reason(inspect([0x7f, 0x45, 0x4c, 0x46])) == "it is not a 64-bit little-endian ELF file")
        let good = try goodLibrary()
        for (offset, value, expected) in [
            (4, 1, "it is not a 64-bit little-endian ELF file"), (5, 2, "it is not a 64-bit little-endian ELF file"),
            (16, 2, "it is not a shared object"), (18, 3, "it is built for another machine"),
        ] {
            var patched = good
            patched[offset] = UInt8(value)
            #expect(reason(inspect(patched)) == expected)
        }
    }

    @Test
    func aTruncatedFileIsRefusedWhereverItEnds() throws {
        let good = try goodLibrary()
        // The section headers stand at the end, so every shorter file lacks some.
        for count in stride(from: 0, to: good.count, by: 97) {
            #expect(reason(inspect(Array(good.prefix(count)))) != nil, "\(count) bytes")
        }
    }

    @Test
    func hostileNumbersAreRefusedOrHarmless() throws {
        let good = try goodLibrary()
        let sectionTable = good[40..<48].reversed().reduce(0) { $0 << 8 | Int($1) }
        let headers = Array(16..<64) + Array(sectionTable..<good.count)
        for offset in headers {
            for value: UInt8 in [0x00, 0x01, 0x7f, 0xff] {
                var patched = good
                patched[offset] = value
                _ = inspect(patched)
            }
            var patched = good
            for index in offset..<min(offset + 8, good.count) { patched[index] = 0xff }
            _ = inspect(patched)
        }
    }
}
