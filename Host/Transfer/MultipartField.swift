import HostCore
import NIOCore

/// Gathers the value of one text field of a form, up to a limit.
package struct MultipartField: Sendable {
    /// How many bytes a field may have.
    package static let maximumBytes = 65_536

    /// The field's name.
    package let name: String
    private var bytes: [UInt8] = []

    /// Makes an empty field.
    package init(name: String) { self.name = name }

    /// Adds the next piece.
    ///
    /// - Throws: ``RuleError`` with `.tooLarge`, the parameter being the field.
    package mutating func append(_ piece: ByteBuffer) throws(RuleError) {
        guard bytes.count + piece.readableBytes <= Self.maximumBytes else {
            throw RuleError(.tooLarge, "\(name) is longer than \(Self.maximumBytes) bytes.", parameter: name)
        }
        bytes.append(contentsOf: piece.readableBytesView)
    }

    /// The value, which must be UTF-8.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, the parameter being the field.
    package func text() throws(RuleError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RuleError(.invalidRequest, "\(name) is not UTF-8.", parameter: name)
        }
        return text
    }
}
