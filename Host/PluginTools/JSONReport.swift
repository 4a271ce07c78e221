import Foundation

/// How the commands write what scripts read.
package enum JSONReport {
    /// The value as indented JSON with its names in alphabetical order, so that two runs can be compared.
    package static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
