/// What a library's file says of how it is loaded, for people who look at it; a broken one says less.
package struct ELFFacts: Encodable, Sendable {
    /// The machine that it is built for.
    package private(set) var machine: String?
    /// The libraries that it needs, in the order in which they are loaded.
    package private(set) var needs: [String] = []
    /// Where those are looked for besides the system's folders.
    package private(set) var searchPath: String?
    /// Whether everything is bound when it is loaded (`-z now`).
    package private(set) var bindsNow = false
    /// Whether it is never unloaded (`-z nodelete`).
    package private(set) var isNeverUnloaded = false
    /// Whether it asks for an executable stack; nil if it does not say.
    package private(set) var hasExecutableStack: Bool?
    /// The names that it offers to others, sorted.
    package private(set) var exports: [String] = []
    /// Why it is refused by its form; nil if it is a library for this machine.
    package private(set) var refusal: String?

    enum CodingKeys: String, CodingKey {
        case machine, needs, exports, refusal
        case searchPath = "search_path"
        case bindsNow = "binds_now"
        case isNeverUnloaded = "never_unloaded"
        case hasExecutableStack = "executable_stack"
    }

    /// Reads a file as far as it can be read.
    package init(_ library: LibraryFile) {
        do throws(ELFInspection.Refusal) {
            exports = try ELFInspection(library.bytes).exportedSymbols.sorted()
        } catch {
            refusal = error.reason
        }
        guard library.bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]) else { return }
        do throws(ELFInspection.Refusal) {
            try read(ELFReader(bytes: library.bytes))
        } catch {
            refusal = refusal ?? error.reason
        }
    }

    private mutating func read(_ reader: ELFReader) throws(ELFInspection.Refusal) {
        let number = try reader.u16(18)
        machine = [3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv"][number] ?? "machine \(number)"
        let table = try reader.u64(32)
        let entrySize = try reader.u16(54)
        var segments: [(address: UInt64, offset: UInt64, size: UInt64)] = []
        var dynamic: (offset: UInt64, size: UInt64)?
        for index in 0..<(try reader.u16(56)) {
            let header = table &+ index &* entrySize
            let (offset, size) = (try reader.u64(header &+ 8), try reader.u64(header &+ 32))
            switch try reader.u32(header) {
            case 1: segments.append((try reader.u64(header &+ 16), offset, size))  // PT_LOAD
            case 2: dynamic = (offset, min(size, UInt64(reader.bytes.count)))  // PT_DYNAMIC
            case 0x6474_e551: hasExecutableStack = try reader.u32(header &+ 4) & 1 != 0  // PT_GNU_STACK
            default: break
            }
        }
        guard let dynamic else { return }
        try readDynamic(reader, at: dynamic.offset, size: dynamic.size) { address in
            let segment = segments.first { $0.address <= address && address - $0.address < $0.size }
            return segment.map { address - $0.address &+ $0.offset }
        }
    }

    private mutating func readDynamic(
        _ reader: ELFReader,
        at offset: UInt64,
        size: UInt64,
        place: (UInt64) -> UInt64?
    ) throws(ELFInspection.Refusal) {
        var entries: [(tag: UInt64, value: UInt64)] = []
        for index in 0..<size / 16 {
            let tag = try reader.u64(offset &+ index &* 16)
            if tag == 0 { break }
            entries.append((tag, try reader.u64(offset &+ index &* 16 &+ 8)))
        }
        // DT_STRTAB
        let strings = entries.first { $0.tag == 5 }.flatMap { place($0.value) }
        for (tag, value) in entries {
            switch tag {
            case 1: if let strings { needs.append(try reader.string(strings &+ value)) }  // DT_NEEDED
            case 15, 29: if let strings { searchPath = try reader.string(strings &+ value) }  // DT_RPATH, DT_RUNPATH
            case 24: bindsNow = true  // DT_BIND_NOW
            case 30: bindsNow = bindsNow || value & 8 != 0  // DT_FLAGS, DF_BIND_NOW
            case 0x6fff_fffb:  // DT_FLAGS_1: DF_1_NOW, DF_1_NODELETE
                bindsNow = bindsNow || value & 1 != 0
                isNeverUnloaded = value & 8 != 0
            default: break
            }
        }
    }
}
