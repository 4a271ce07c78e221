import Foundation
import HTTPTypes

/// Reads parts of a request's path.
enum PathPart {
    /// A part of the path as the text it stands for.
    ///
    /// - Throws: ``GatewayError`` with 400.
    static func decoded(_ part: String, name: String) throws(GatewayError) -> String {
        guard let text = part.removingPercentEncoding, !text.isEmpty else {
            throw GatewayError(.badRequest, parameter: name, message: "\(name) in the path is not valid text.")
        }
        return text
    }
}
