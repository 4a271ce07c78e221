import Foundation
import HostCore
import HostPlugins
import NIOCore

/// What is kept of an object for its owner to see: a JSON object that has no id of the provider in it.
struct ObjectDocument: Sendable {
    var members: [String: ConfigurationValue]

    init(_ members: [String: ConfigurationValue]) { self.members = members }

    /// Reads what the registry keeps.
    ///
    /// - Throws: ``DecodingError`` if the registry was changed by something else.
    init(_ text: String) throws {
        members = try JSONDecoder().decode([String: ConfigurationValue].self, from: Data(text.utf8))
    }

    /// The text that is kept; the same for the same members.
    func text() throws -> String { String(buffer: try ByteBuffer(json: ConfigurationValue.map(members))) }

    /// Takes over what a provider says under these names; what it does not say stays.
    mutating func take(_ names: [String], from report: ObjectResult) {
        for name in names {
            if let value = report.members[name], value != .null { members[name] = value }
        }
    }

    subscript(name: String) -> ConfigurationValue { members[name] ?? .null }

    func text(_ name: String) -> String? {
        if case .string(let text)? = members[name] { text } else { nil }
    }
}
