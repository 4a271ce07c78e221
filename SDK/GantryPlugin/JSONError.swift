/// Why a text is not JSON.
public struct JSONError: Error, CustomStringConvertible, Sendable {
    /// Where the text stops being JSON, in bytes from its start.
    public let offset: Int
    /// What is wrong there, without quoting the text.
    public let message: String

    /// Makes an error.
    public init(offset: Int, message: String) {
        self.offset = offset
        self.message = message
    }

    /// The message and the place.
    public var description: String { "\(message) at byte \(offset)" }
}
