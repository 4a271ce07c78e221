import HostCore
import HostRegistry
import Hummingbird

/// The query of a list of users, keys or teams: any parameter that the list does not know is refused.
struct RecordListQuery: Sendable {
    private let query: QueryParameters

    /// Reads a request.
    ///
    /// - Parameters:
    ///   - call: The request.
    ///   - names: The parameters of this list.
    /// - Throws: ``RuleError`` with 400 that names the parameter that is not known.
    init(_ call: Call, names: Set<String>) throws {
        query = try QueryParameters(call.request)
        guard let unknown = query.pairs.map(\.name).first(where: { !names.contains($0) }) else { return }
        throw RuleError(
            .unsupported,
            "\(unknown) is not a parameter of this list. Supported are \(names.sorted().joined(separator: ", ")).",
            parameter: unknown
        )
    }

    /// A text; an empty one is none.
    func text(_ name: String) -> String? {
        guard let text = query[name], !text.isEmpty else { return nil }
        return text
    }

    /// Several texts with commas between them; nil if there are none.
    ///
    /// - Throws: ``RuleError`` with 400 if there are more than a page has.
    func texts(_ name: String) throws -> [String]? {
        guard let text = text(name) else { return nil }
        let items = text.split(separator: ",").map { String($0.drop { $0 == " " }) }
        guard items.count <= PageRequest.maximumSize else {
            throw RuleError.invalid(name, "has more than \(PageRequest.maximumSize) values")
        }
        return items
    }

    /// `true` or `false`.
    func flag(_ name: String) throws -> Bool {
        switch text(name)?.lowercased() {
        case nil, "false": false
        case "true": true
        default: throw RuleError.invalid(name, "must be true or false")
        }
    }

    /// Which page is wanted.
    func page(sizeName: String, defaultSize: Int) throws -> PageRequest {
        let number = try whole("page") ?? 1
        let size = try whole(sizeName) ?? defaultSize
        guard (1...PageRequest.maximumSize).contains(size) else {
            throw RuleError.invalid(sizeName, "must be a whole number from 1 to \(PageRequest.maximumSize)")
        }
        return try PageRequest(number: number, size: size)
    }

    private func whole(_ name: String) throws -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text) else { throw RuleError.invalid(name, "must be a whole number") }
        return number
    }
}
