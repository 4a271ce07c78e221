import HostCore
import NIOCore

/// One line of an operation's source, and what the host has found in it.
package struct SourceLine: Sendable {
    /// The line without its end.
    package let bytes: ByteBuffer
    /// In ascending order of their ranges, which are within the line.
    package let references: [OperationReference]

    /// Makes a line.
    package init(bytes: ByteBuffer, references: [OperationReference] = []) {
        self.bytes = bytes
        self.references = references
    }
}

/// What a look for an operation's next line has found.
package enum SourcePiece: Sendable {
    case line(SourceLine)
    /// None yet: a part of a line, or blank ones. Another look goes on.
    case nothingYet
    case end
}

/// An operation's source, line by line.
package protocol SourceLines: AnyObject, Sendable {
    /// Looks for the next line; reads a bounded part of the source at most.
    ///
    /// It blocks, so it is called on a thread pool, by one operation, one call after the other.
    ///
    /// - Throws: ``RuleError`` that names the line for what the client has to change; whatever else for a source that
    ///   cannot be read.
    func next() throws -> SourcePiece
}

extension OperationFailure {
    /// The failure of an operation whose source failed.
    init(source error: any Error) {
        guard let rule = error as? RuleError else {
            self.init(.internalError, "The gateway could not read the input file that it sends. Try again.")
            return
        }
        self.init(rule.code == .tooLarge ? .tooLarge : .invalid, rule.message, parameter: rule.parameter)
    }
}
