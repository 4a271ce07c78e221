import GantryPlugin

/// Log probabilities of tokens: two parallel lists at Gemini, a list of tokens with lists in them at OpenAI.
enum LogProbabilities {
    /// - Parameter result: `logprobsResult` of a candidate.
    /// - Returns: nil if there is none.
    static func openAI(_ result: JSON?) -> JSON? {
        guard let chosen = result?["chosenCandidates"]?.array else { return nil }
        let top = result?["topCandidates"]?.array ?? []
        var content: [JSON] = []
        content.reserveCapacity(chosen.count)
        for (position, candidate) in chosen.enumerated() {
            var entry = token(candidate)
            let alternatives = position < top.count ? top[position]["candidates"]?.array ?? [] : []
            entry["top_logprobs"] = .array(alternatives.map { .object(token($0)) })
            content.append(.object(entry))
        }
        return ["content": .array(content), "refusal": .null]
    }

    private static func token(_ candidate: JSON) -> JSONObject {
        let text = candidate["token"]?.string ?? ""
        var token = JSONObject()
        token["token"] = .string(text)
        token["logprob"] = candidate["logProbability"].flatMap { $0.double == nil ? nil : $0 } ?? 0
        token["bytes"] = .array(text.utf8.map { .integer(Int64($0)) })
        return token
    }
}
