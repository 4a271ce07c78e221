/// A model that the simulated Vertex AI has.
struct GeminiModel: Sendable {
    let name: String
    let mostOutputTokens: Int
    let thinks: Bool

    private static let all = [
        GeminiModel(name: "gemini-2.0-flash", mostOutputTokens: 8192, thinks: false),
        GeminiModel(name: "gemini-2.5-pro", mostOutputTokens: 65_535, thinks: true),
    ]

    /// What tuning makes of this model; it is called by its endpoint's number.
    func tuned(as endpoint: String) -> GeminiModel {
        GeminiModel(name: "\(name)-tuned-\(endpoint)", mostOutputTokens: mostOutputTokens, thinks: thinks)
    }

    /// The model of that name.
    static func named(_ name: String) -> GeminiModel? { all.first { $0.name == name } }
}
