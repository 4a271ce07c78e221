/// What can be known of a shared library before any of its code runs.
struct ELFInspection {
    /// Why a file is not a library that could be a plugin.
    struct Refusal: Error {
        let reason: String
    }

    /// The names that the library offers to others, in no order.
    let exportedSymbols: [String]
    /// Those of them that can be called.
    let exportedFunctions: [String]

    /// Reads a 64-bit ELF shared object for this machine.
    ///
    /// Every offset is checked against the file: a truncated or hostile file is refused, not followed.
    init(_ file: [UInt8]) throws(Refusal) {
        let reader = ELFReader(bytes: file)
        guard file.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { throw Refusal(reason: "it is not an ELF file") }
        guard file.count >= 64, file[4] == 2, file[5] == 1 else {
            throw Refusal(reason: "it is not a 64-bit little-endian ELF file")
        }
        guard try reader.u16(16) == 3 else { throw Refusal(reason: "it is not a shared object") }
        guard try reader.u16(18) == Self.machine else { throw Refusal(reason: "it is built for another machine") }
        try Self.checkStack(reader)
        let exports = try Self.exports(reader)
        exportedSymbols = exports.map(\.name)
        exportedFunctions = exports.filter(\.isFunction).map(\.name)
    }

    static var machine: UInt64 {
        #if arch(x86_64)
        62
        #elseif arch(arm64)
        183
        #else
        0
        #endif
    }

    private static func checkStack(_ reader: ELFReader) throws(Refusal) {
        let table = try reader.u64(32)
        let entrySize = try reader.u16(54)
        for index in 0..<(try reader.u16(56)) {
            let header = table &+ index &* entrySize
            // PT_GNU_STACK with PF_X asks for an executable stack.
            guard try reader.u32(header) == 0x6474_e551 else { continue }
            guard try reader.u32(header &+ 4) & 1 == 0 else { throw Refusal(reason: "it asks for an executable stack") }
            return
        }
        throw Refusal(reason: "it does not say that its stack is not executable (PT_GNU_STACK is missing)")
    }

    private struct Export {
        let name: String
        let isFunction: Bool
    }

    private static func exports(_ reader: ELFReader) throws(Refusal) -> [Export] {
        let table = try reader.u64(40)
        let entrySize = try reader.u16(58)
        let count = try reader.u16(60)
        // The table stands at the end of most files: without all of it the file was cut off.
        if count > 0 { _ = try reader.u8(table &+ count &* entrySize &- 1) }
        for index in 0..<count {
            let section = table &+ index &* entrySize
            // SHT_DYNSYM
            guard try reader.u32(section &+ 4) == 11 else { continue }
            let link = try reader.u32(section &+ 40)
            guard link < count else { throw Refusal(reason: "its symbol table is broken") }
            let strings = try reader.u64(table &+ link &* entrySize &+ 24)
            let offset = try reader.u64(section &+ 24)
            let size = try reader.u64(section &+ 32)
            guard size <= UInt64(reader.bytes.count) else { throw Refusal(reason: "its symbol table is broken") }
            var exports: [Export] = []
            for entry in 0..<size / 24 {
                let symbol = offset &+ entry &* 24
                guard let name = try exportedName(reader, symbol: symbol, strings: strings) else { continue }
                // STT_FUNC and STT_GNU_IFUNC
                let type = try reader.u8(symbol &+ 4) & 15
                exports.append(Export(name: name, isFunction: type == 2 || type == 10))
            }
            return exports
        }
        throw Refusal(reason: "it has no dynamic symbol table")
    }

    /// A symbol is exported if it is defined here, global or weak, and of default or protected visibility.
    private static func exportedName(
        _ reader: ELFReader,
        symbol: UInt64,
        strings: UInt64
    ) throws(Refusal) -> String? {
        let info = try reader.u8(symbol &+ 4)
        let visibility = try reader.u8(symbol &+ 5) & 3
        let section = try reader.u16(symbol &+ 6)
        let binding = info >> 4
        let isAbsoluteVersionName = section == 0xfff1
        guard section != 0, !isAbsoluteVersionName, binding == 1 || binding == 2 || binding == 10,
            visibility == 0 || visibility == 3
        else { return nil }
        return try reader.string(strings &+ (try reader.u32(symbol)))
    }
}

/// Reads little-endian numbers at checked offsets.
struct ELFReader {
    let bytes: [UInt8]

    func u8(_ offset: UInt64) throws(ELFInspection.Refusal) -> UInt64 { try number(offset, 1) }
    func u16(_ offset: UInt64) throws(ELFInspection.Refusal) -> UInt64 { try number(offset, 2) }
    func u32(_ offset: UInt64) throws(ELFInspection.Refusal) -> UInt64 { try number(offset, 4) }
    func u64(_ offset: UInt64) throws(ELFInspection.Refusal) -> UInt64 { try number(offset, 8) }

    func string(_ offset: UInt64) throws(ELFInspection.Refusal) -> String {
        guard offset < UInt64(bytes.count), let end = bytes[Int(offset)...].firstIndex(of: 0) else {
            throw ELFInspection.Refusal(reason: "it is truncated")
        }
        return String(decoding: bytes[Int(offset)..<end], as: UTF8.self)
    }

    private func number(_ offset: UInt64, _ count: UInt64) throws(ELFInspection.Refusal) -> UInt64 {
        guard offset <= UInt64(bytes.count), count <= UInt64(bytes.count) - offset else {
            throw ELFInspection.Refusal(reason: "it is truncated")
        }
        return (0..<Int(count)).reduce(0) { $0 | UInt64(bytes[Int(offset) + $1]) << (8 * UInt64($1)) }
    }
}
