import HostCore

/// Lines of a batch's input.
enum BatchSamples {
    static func line(_ id: String, model: String = "public", content: String = #""hi""#) -> String {
        #"{"custom_id":"\#(id)","method":"POST","url":"/v1/chat/completions","body":{"model":"\#(model)","#
            + #""messages":[{"role":"user","content":\#(content)}]}}"#
    }

    static func file(_ id: String) -> String { #"[{"type":"file","file":{"file_id":"\#(id)"}}]"# }

    /// Reads a whole input, so many bytes at a time.
    static func read(
        _ text: String,
        by step: Int = .max,
        limits: BatchInputReader.Limits = .init()
    ) throws(RuleError) -> BatchInput {
        var reader = BatchInputReader(limits: limits)
        for piece in pieces(of: Array(text.utf8), by: step) {
            var outcome = Result<Void, RuleError>.success(())
            piece.withUnsafeBytes { bytes in
                outcome = Result { () throws(RuleError) in try reader.read(bytes) }
            }
            try outcome.get()
        }
        return try reader.finish()
    }

    /// Cuts bytes into arrays of their own, so that a read behind the end of one is seen.
    static func pieces(of bytes: [UInt8], by step: Int) -> [[UInt8]] {
        guard step < bytes.count else { return [bytes] }
        return stride(from: 0, to: bytes.count, by: step).map { Array(bytes[$0..<min($0 + step, bytes.count)]) }
    }
}
