import Foundation
import Hummingbird

/// The parameters of a query, decoded as forms are: `+` stands for a space.
struct QueryParameters: Sendable {
    let pairs: [(name: String, value: String)]

    /// Reads a request's query.
    ///
    /// - Throws: ``GatewayError`` with 400 if the percent-encoding is broken.
    init(_ request: Request) throws(GatewayError) {
        var pairs: [(name: String, value: String)] = []
        for pair in (request.uri.query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = try Self.decode(parts.count == 2 ? parts[1] : "")
            pairs.append((name: try Self.decode(parts[0]), value: value))
        }
        self.pairs = pairs
    }

    /// The first value of a parameter.
    subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// Every value of a parameter, in their order.
    func all(_ name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    private static func decode(_ text: Substring) throws(GatewayError) -> String {
        let spaced = String(text.map { $0 == "+" ? " " : $0 })
        guard let decoded = spaced.removingPercentEncoding else {
            throw GatewayError(.badRequest, message: "The query is not valid percent-encoded text.")
        }
        return decoded
    }
}
