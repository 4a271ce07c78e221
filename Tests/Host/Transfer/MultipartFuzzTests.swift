import HostCore
import HostTransfer
import Testing

/// Throws random bodies at the reader; it may refuse them but not trap, and it may not invent a byte.
struct MultipartFuzzTests {
    private static let pieces = [
        "\r\n", "\r", "\n", "--", "-", "AaB03x", "\r\n--AaB03x\r\n", "\r\n--AaB03x--\r\n", "--AaB03x\r\n", ":", ";",
        " ",
        "Content-Disposition: form-data; name=\"a\"", "Content-Disposition: form-data; name=b; filename=\"c\"", "\"",
        "\\",
        "\r\n\r\n", "Content-Type: a/b\r\n", "filename*=UTF-8''%e2%82%ac", "\u{0}", "é", "abc",
        "\r\n--AaB03x\r\nContent-Disposition: form-data; name=z\r\n\r\n",
    ]

    @Test(arguments: 0..<8)
    func randomBodiesAreReadAlikeHoweverTheyAreCut(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0

        for _ in 0..<1500 {
            let body = Self.body(using: &generator)
            let whole = Result { try parts(of: body) }
            let cut = Result { try parts(of: Self.cut(body, using: &generator)) }
            switch (whole, cut) {
            case (.success(let whole), .success(let cut)):
                accepted += 1
                #expect(whole == cut)
                #expect(whole.allSatisfy { Self.contains(body, $0.content) })
                #expect(whole.map(\.content.count).reduce(0, +) < body.count)
            case (.failure(let one), .failure(let other)):
                // Which of several faults is met first may depend on the pieces; both are the client's.
                #expect(one is RuleError && other is RuleError)
            default:
                Issue.record(
                    "one way of cutting is accepted, another refused: \(String(decoding: body, as: UTF8.self))"
                )
            }
        }
        #expect(accepted > 20)
    }

    private static func body(using generator: inout SeededGenerator) -> [UInt8] {
        var body: [UInt8] = []
        if Bool.random(using: &generator) {
            body += Array("--AaB03x\r\nContent-Disposition: form-data; name=q\r\n\r\n".utf8)
        }
        for _ in 0..<Int.random(in: 0..<14, using: &generator) {
            body += Array(pieces[Int.random(in: 0..<pieces.count, using: &generator)].utf8)
        }
        if Bool.random(using: &generator) { body += Array("\r\n--AaB03x--\r\n".utf8) }
        return body
    }

    private static func cut(_ body: [UInt8], using generator: inout SeededGenerator) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = body[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...min(rest.count, 9), using: &generator)
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    private static func contains(_ body: [UInt8], _ content: [UInt8]) -> Bool {
        guard !content.isEmpty else { return true }
        return body.indices.contains { body[$0...].starts(with: content) }
    }
}

/// A generator that makes the same numbers for the same seed, so that a failing input can be made again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
