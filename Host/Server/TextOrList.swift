/// One text or a list of texts.
struct TextOrList: Decodable, Sendable {
    let texts: [String]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            texts = [try container.decode(String.self)]
        } catch DecodingError.typeMismatch {
            texts = try container.decode([String].self)
        }
    }
}
