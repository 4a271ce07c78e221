import Foundation

/// CRC-32C (Castagnoli), eight bytes a step; the tables fit the first-level cache.
///
/// Machine words and pointers all the way: in a debug build these cost a tenth of arrays and conversions, and a gigabyte
/// is to be digested in seconds there, too.
struct CRC32C {
    private static let valuesPerTable = 256

    /// Eight tables in a row; entry `v` of table `k` is the CRC of the byte `v` followed by `k` zero bytes.
    private static let tables: [UInt] = {
        let first = (0..<UInt(valuesPerTable)).map { value in
            (0..<8).reduce(value) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82f6_3b78 }
        }
        var tables = first
        for place in 0..<7 * valuesPerTable {
            let crc = tables[place]
            tables.append(first[Int(crc & 0xff)] ^ crc >> 8)
        }
        return tables
    }()

    private var crc: UInt = 0xffff_ffff

    /// Base64 of the value, most significant byte first.
    var base64: String {
        let value = crc ^ 0xffff_ffff
        return Data([24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }).base64EncodedString()
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let isAligned = UInt(bitPattern: bytes.baseAddress) % UInt(MemoryLayout<UInt>.alignment) == 0
        let wordBytes = isAligned ? bytes.count / 8 * 8 : 0
        crc = Self.tables.withUnsafeBufferPointer { tables in
            guard let table = tables.baseAddress else { return crc }
            let crc = Self.update(crc, words: UnsafeRawBufferPointer(rebasing: bytes[..<wordBytes]), table)
            return Self.update(crc, bytes: UnsafeRawBufferPointer(rebasing: bytes[wordBytes...]))
        }
    }

    private static func update(_ start: UInt, words: UnsafeRawBufferPointer, _ first: UnsafePointer<UInt>) -> UInt {
        guard let base = words.baseAddress else { return start }
        let (second, third, fourth) = (first + 256, first + 512, first + 768)
        let (fifth, sixth, seventh, eighth) = (first + 1024, first + 1280, first + 1536, first + 1792)
        var crc = start
        var word = base.assumingMemoryBound(to: UInt.self)
        let end = word + words.count / 8
        while word < end {
            let value = word.pointee ^ crc
            crc = eighth[Int(bitPattern: value & 0xff)] ^ seventh[Int(bitPattern: value &>> 8 & 0xff)]
            crc ^= sixth[Int(bitPattern: value &>> 16 & 0xff)] ^ fifth[Int(bitPattern: value &>> 24 & 0xff)]
            crc ^= fourth[Int(bitPattern: value &>> 32 & 0xff)] ^ third[Int(bitPattern: value &>> 40 & 0xff)]
            crc ^= second[Int(bitPattern: value &>> 48 & 0xff)] ^ first[Int(bitPattern: value &>> 56)]
            word += 1
        }
        return crc
    }

    private static func update(_ start: UInt, bytes: UnsafeRawBufferPointer) -> UInt {
        bytes.reduce(start) { crc, byte in
            (0..<8).reduce(crc ^ UInt(byte)) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82f6_3b78 }
        }
    }
}
