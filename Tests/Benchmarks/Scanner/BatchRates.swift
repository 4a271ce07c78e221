import HostCore

/// How fast a batch's input is read and rewritten, in bytes of input a nanosecond.
struct BatchRates {
    let name: String
    let sizeInBytes: Int
    let reading: Double
    let rewriting: Double

    /// Inputs of chats with a file each, of usual and of great length.
    static func measure(rounds: Int) throws -> [BatchRates] {
        try [("lines of 0.3 kB", 60), ("lines of 1.2 kB", 900), ("lines of 100 kB", 100_000)].map { name, length in
            let lines = Self.lines(ofTextWith: length)
            return BatchRates(
                name: name,
                sizeInBytes: lines.count,
                reading: try rate(lines, rounds: rounds, Self.read),
                rewriting: try rate(lines, rounds: rounds, Self.rewrite)
            )
        }
    }

    private static func lines(ofTextWith length: Int) -> [UInt8] {
        let text = String(repeating: #"a \"word\" of the café, "#, count: max(1, length / 24))
        var lines = ""
        var index = 0
        while lines.utf8.count < 8_000_000 {
            lines += #"{"custom_id":"request-\#(index)","method":"POST","url":"/v1/chat/completions","body":{"model":"#
            lines += #""gpt-4o-mini-openai","messages":[{"role":"user","content":[{"type":"text","text":"\#(text)"},"#
            lines += #"{"type":"file","file":{"file_id":"file-dybm7syypzhr5glg2vumkvhpgjz2yzqukb7wx712"}}]}]}}"# + "\n"
            index += 1
        }
        return Array(lines.utf8)
    }

    // The median rate of some looks at the input, in pieces as they come from a file.
    private static func rate(
        _ lines: [UInt8],
        rounds: Int,
        _ look: (UnsafeRawBufferPointer) throws(RuleError) -> Void
    ) throws -> Double {
        let times = try (0..<rounds).map { _ in
            let start = ScannerBenchmark.processorNanoseconds()
            try lines.withUnsafeBytes { try look($0) }
            return Double(ScannerBenchmark.processorNanoseconds() - start)
        }
        return Double(lines.count) / Result.median(times)
    }

    private static func read(_ input: UnsafeRawBufferPointer) throws(RuleError) {
        var reader = BatchInputReader()
        for piece in pieces(of: input) { try reader.read(piece) }
        _ = try reader.finish()
    }

    private static func rewrite(_ input: UnsafeRawBufferPointer) throws(RuleError) {
        let id = "file-dybm7syypzhr5glg2vumkvhpgjz2yzqukb7wx712"
        let rewriting = BatchRewriting(model: "gpt-4o-mini-2024-07-18", files: [id: "file-9J7fSfmLcTBMs1hYqvXnRE"])
        var splitter = LineSplitter(maximumLength: .max)
        var output: [UInt8] = []
        for piece in pieces(of: input) {
            output.removeAll(keepingCapacity: true)
            try splitter.take(piece) { line throws(RuleError) in try rewriting.append(line, to: &output) }
        }
    }

    private static func pieces(of input: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        stride(from: 0, to: input.count, by: 256 * 1024).map {
            UnsafeRawBufferPointer(rebasing: input[$0..<min($0 + 256 * 1024, input.count)])
        }
    }
}
