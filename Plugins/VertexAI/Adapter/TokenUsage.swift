import GantryPlugin

/// Counts of tokens, in OpenAI's words.
struct TokenUsage: Equatable {
    let prompt: Int64
    let cached: Int64
    let answer: Int64
    let thoughts: Int64
    let total: Int64

    /// Reads the `usageMetadata` of an answer.
    ///
    /// A stream repeats it with every event; the last one counts.
    init?(_ metadata: JSON?) {
        guard let metadata, metadata.object != nil else { return nil }
        func count(_ name: String) -> Int64 {
            // Bounded, so that no answer can make the sums overflow.
            min(max(metadata[name]?.integer ?? 0, 0), 1 << 50)
        }
        prompt = count("promptTokenCount") + count("toolUsePromptTokenCount")
        cached = count("cachedContentTokenCount")
        answer = count("candidatesTokenCount")
        thoughts = count("thoughtsTokenCount")
        let total = count("totalTokenCount")
        self.total = total > 0 ? total : prompt + answer + thoughts
    }

    /// As a chat completion has them.
    var json: JSON {
        [
            "prompt_tokens": .integer(prompt),
            "completion_tokens": .integer(answer + thoughts),
            "total_tokens": .integer(total),
            "prompt_tokens_details": ["cached_tokens": .integer(cached)],
            "completion_tokens_details": ["reasoning_tokens": .integer(thoughts)],
        ]
    }

    /// As a response has them.
    var responsesJSON: JSON {
        [
            "input_tokens": .integer(prompt),
            // Nothing is charged for what goes into the cache.
            "input_tokens_details": ["cached_tokens": .integer(cached), "cache_write_tokens": 0],
            "output_tokens": .integer(answer + thoughts),
            "output_tokens_details": ["reasoning_tokens": .integer(thoughts)],
            "total_tokens": .integer(total),
        ]
    }
}
