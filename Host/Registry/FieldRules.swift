import Foundation
import HostCore

/// What a field of a record may hold.
enum FieldRules {
    static let maximumIDLength = 256
    private static let maximumModels = 1000
    private static let maximumMetadataBytes = 65_536

    /// Checks the id of a user or team: 1 to 256 printable characters, not the master key's user.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`.
    static func checkID(_ text: String, parameter: String) throws(RegistryError) {
        guard isPrintable(text), !text.isEmpty, text.first != " ", text.last != " " else {
            throw RegistryError(
                .invalid,
                "The \(parameter) must be 1 to \(maximumIDLength) printable characters without a space at either end.",
                parameter: parameter
            )
        }
        // Swift takes two spellings of one character for equal and a database does not: only one spelling exists.
        guard Array(text.precomposedStringWithCanonicalMapping.utf8) == Array(text.utf8) else {
            throw RegistryError(
                .invalid,
                "The \(parameter) must be in Unicode normalization form C.",
                parameter: parameter
            )
        }
        guard text != Principal.masterUser.description else {
            throw RegistryError(
                .invalid,
                "The \(parameter) is reserved for the master key: choose another.",
                parameter: parameter
            )
        }
    }

    /// Checks a short text that people read, such as an alias.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`.
    static func checkLabel(_ text: String?, parameter: String) throws(RegistryError) {
        guard let text, !isPrintable(text) else { return }
        throw RegistryError(
            .invalid,
            "The \(parameter) must be at most \(maximumIDLength) printable characters.",
            parameter: parameter
        )
    }

    /// Checks a list of model names.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`.
    static func checkModels(_ models: [String]) throws(RegistryError) {
        guard models.count <= maximumModels, models.allSatisfy({ !$0.isEmpty && isPrintable($0) }) else {
            throw RegistryError(
                .invalid,
                "models must be at most \(maximumModels) names of 1 to \(maximumIDLength) printable characters.",
                parameter: "models"
            )
        }
    }

    /// Checks a JSON text that is only kept and given back, and a budget.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`.
    static func checkExtras(metadata: String?, maximumBudget: Double?) throws(RegistryError) {
        if let metadata, metadata.utf8.count > maximumMetadataBytes || metadata.utf8.contains(0) {
            throw RegistryError(
                .invalid,
                "metadata must be at most \(maximumMetadataBytes) bytes of JSON.",
                parameter: "metadata"
            )
        }
        if let maximumBudget, !(maximumBudget.isFinite && maximumBudget >= 0) {
            throw RegistryError(.invalid, "max_budget must be a number that is not negative.", parameter: "max_budget")
        }
    }

    /// At most 256 scalars, none of them invisible, a line end, unassigned or for private use.
    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.count <= maximumIDLength && text.unicodeScalars.allSatisfy(isPrintable)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }
}
