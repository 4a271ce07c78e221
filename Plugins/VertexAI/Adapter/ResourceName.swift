/// The name of a resource of Vertex AI: `projects/P/locations/L/COLLECTION/N`.
///
/// The project is a name in what is asked and a number in what is answered.
struct ResourceName: Equatable {
    let text: String
    let location: String
    /// The last part, which is a number.
    let number: String

    /// Reads a name; nil if it is none of that collection, or could stand for something else in a URL.
    init?(_ text: String, collection: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 6, parts[0] == "projects", parts[2] == "locations", parts[4] == collection,
            Wire.isName(parts[1], others: "-.:", limit: 100), parts[1] != ".", parts[1] != "..",
            Wire.isName(parts[3], others: "-", limit: 63), (1...30).contains(parts[5].utf8.count),
            parts[5].utf8.allSatisfy(Wire.isDigit)
        else { return nil }
        self.text = text
        location = parts[3]
        number = parts[5]
    }
}
