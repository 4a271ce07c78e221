/// Which of the two providers a port belongs to.
enum Provider: String, Sendable {
    case openAI = "openai"
    case google
}
