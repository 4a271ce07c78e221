import GantryPlugin

/// Turns the events of `streamGenerateContent` into the stream of a client's form, one event at a time.
protocol AnswerStream {
    /// The tokens used so far, in the client's form; nil if Gemini has named none.
    var usageReport: JSON? { get }

    /// Translates one event into the payloads of those that the client gets.
    mutating func consume(_ payload: [UInt8]) throws(Failure) -> [JSON]

    /// The last payloads, once the stream has ended.
    mutating func finish() throws(Failure) -> [JSON]

    /// The name of the event that has this payload; empty if it has none.
    static func eventName(_ payload: JSON) -> String
}
