import CGantryPlugin

/// The C functions that a manifest has bound to an adapter's hooks; see gantry_functions.h.
///
/// Each method returns nil if its hook is not bound. Like every service of the host they may be used inside any call that
/// the host makes.
///
/// `@unchecked Sendable`: the host's table is constant as long as the instance lives, and it may be called on any thread
/// that is inside a call of the host.
public struct HookFunctions: @unchecked Sendable {
    /// A place at which a function can be bound; the raw values are those of `GANTRY_HOOK_*`.
    public enum Hook: UInt32, Sendable, CaseIterable {
        /// Headers that sign a request.
        case sign = 1
        /// What stands in a request for a file.
        case fileReference = 2
        /// What stands in a request for the model.
        case modelName = 3
        /// The body that is sent.
        case requestBody = 4
        /// The body of a success.
        case responseBody = 5
        /// The payload of an event of a stream.
        case streamChunk = 6
        /// The tokens of a request or an answer.
        case countTokens = 7
    }

    private let functions: gantry_functions

    /// Asks the host for its extension; nil if it has none, or one that this SDK cannot use.
    init?(_ host: Host) {
        guard let table = host.table(ofExtension: GANTRY_FUNCTIONS_EXTENSION) else { return nil }
        let lent = table.assumingMemoryBound(to: gantry_functions.self)
        guard Int(lent.pointee.size) >= LentStruct.end(\gantry_functions.call), lent.pointee.call != nil else {
            return nil
        }
        functions = lent.pointee
    }

    /// Whether the manifest binds a function to this hook.
    public func isBound(_ hook: Hook) -> Bool { functions.hooks & 1 << UInt64(hook.rawValue) != 0 }

    /// Header lines `Name: value` for a request, separated by line feeds.
    ///
    /// - Parameters:
    ///   - method: Of the request.
    ///   - url: Of the request, absolute.
    ///   - body: Of the request; empty if it is not known.
    ///   - timeMilliseconds: Since 1970.
    /// - Returns: The lines; nil if the hook is not bound.
    /// - Throws: ``Failure`` that names hook and function.
    public func sign(
        method: String,
        url: String,
        body: [UInt8],
        timeMilliseconds: Int64
    ) throws(Failure) -> String? {
        try text(.sign, [.text(method), .text(url), .bytes(body), .number(timeMilliseconds)])
    }

    /// What stands in a request for a file with the provider's id; nil if the hook is not bound.
    ///
    /// - Throws: ``Failure`` that names hook and function.
    public func fileReference(_ id: String, mediaType: String, filename: String) throws(Failure) -> String? {
        try text(.fileReference, [.text(id), .text(mediaType), .text(filename)])
    }

    /// What stands in a request for a model; nil if the hook is not bound.
    ///
    /// - Throws: ``Failure`` that names hook and function.
    public func modelName(_ model: String, operation: String) throws(Failure) -> String? {
        try text(.modelName, [.text(model), .text(operation)])
    }

    /// The body that is sent instead of this one; nil if the hook is not bound.
    ///
    /// - Throws: ``Failure`` that names hook and function.
    public func requestBody(_ body: [UInt8], operation: String) throws(Failure) -> [UInt8]? {
        try call(.requestBody, [.bytes(body), .text(operation)])?.bytes
    }

    /// The body that the client gets instead of this one; nil if the hook is not bound.
    ///
    /// - Throws: ``Failure`` that names hook and function.
    public func responseBody(_ body: [UInt8], operation: String) throws(Failure) -> [UInt8]? {
        try call(.responseBody, [.bytes(body), .text(operation)])?.bytes
    }

    /// The payload that the client gets instead of this one, empty for none; nil if the hook is not bound.
    ///
    /// - Throws: ``Failure`` that names hook and function.
    public func streamChunk(_ chunk: Chunk, operation: String) throws(Failure) -> [UInt8]? {
        try call(.streamChunk, [.bytes(chunk.data), .text(chunk.event), .text(operation)])?.bytes
    }

    /// How many tokens a request or an answer has; nil if the hook is not bound.
    ///
    /// - Throws: ``Failure`` that names hook and function.
    public func countTokens(_ body: [UInt8], model: String) throws(Failure) -> Int64? {
        try call(.countTokens, [.bytes(body), .text(model)])?.number
    }
}

// MARK: - Calls

extension HookFunctions {
    /// One input of a hook.
    private enum Input {
        case text(String)
        case bytes([UInt8])
        case number(Int64)

        var size: Int {
            switch self {
            case .text(let text): text.utf8.count
            case .bytes(let bytes): bytes.count
            case .number: 0
            }
        }

        func lent(through writer: inout SliceWriter) -> gantry_value {
            switch self {
            case .text(let text): gantry_value(bytes: writer.put(text), number: 0)
            case .bytes(let bytes): gantry_value(bytes: writer.put(bytes), number: 0)
            case .number(let number): gantry_value(bytes: gantry_slice(), number: number)
            }
        }
    }

    /// What the host gave.
    private struct Answer {
        var bytes: [UInt8] = []
        var number: Int64 = 0
    }

    private func text(_ hook: Hook, _ inputs: [Input]) throws(Failure) -> String? {
        try call(hook, inputs).map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    private func call(_ hook: Hook, _ inputs: [Input]) throws(Failure) -> Answer? {
        guard isBound(hook), let function = functions.call else { return nil }
        var answer = Answer()
        let size = inputs.reduce(0) { $0 + $1.size }
        let status = withUnsafeTemporaryAllocation(of: gantry_value.self, capacity: inputs.count) { values in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: size) { text in
                var writer = SliceWriter(text)
                for (index, input) in inputs.enumerated() {
                    values.initializeElement(at: index, to: input.lent(through: &writer))
                }
                return withUnsafeMutablePointer(to: &answer) { answer in
                    var sink = gantry_value_sink(
                        size: UInt32(truncatingIfNeeded: MemoryLayout<gantry_value_sink>.size),
                        reserved: 0,
                        ctx: UnsafeMutableRawPointer(answer),
                        emit: Self.keep
                    )
                    return function(functions.ctx, hook.rawValue, values.baseAddress, inputs.count, &sink)
                }
            }
        }
        guard status == Status.ok else { throw Self.failure(hook, status, answer) }
        return answer
    }

    /// Copies what the host gives into the ``Answer`` at the context.
    private static let keep: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<gantry_value>?) -> Void = {
        context,
        value in
        guard let value, let answer = context?.assumingMemoryBound(to: Answer.self) else { return }
        answer.pointee = Answer(bytes: value.pointee.bytes.bytes, number: value.pointee.number)
    }

    private static func failure(_ hook: Hook, _ status: gantry_status, _ answer: Answer) -> Failure {
        let said = String(decoding: answer.bytes, as: UTF8.self)
        let message = said.isEmpty ? "The hook \(hook) failed with status \(status)." : said
        // What makes a request judges the client's words; what reads an answer judges the provider's.
        guard hook != .responseBody, hook != .streamChunk else { return Failure(.upstreamProtocol, message) }
        switch status {
        case Status.invalid: return Failure(.invalid, message)
        case Status.unsupported: return Failure(.unsupported, message)
        case Status.limit: return Failure(.tooLarge, message)
        case Status.notFound: return Failure(.notFound, message)
        default: return Failure(.internalError, message)
        }
    }
}
