import HostCore
import Testing

struct BatchUsageTests {
    private func sum(_ lines: String...) -> BatchUsage {
        var usage = BatchUsage()
        for line in lines { Array(line.utf8).withUnsafeBytes { usage.add($0) } }
        return usage
    }

    private func line(_ usage: String) -> String {
        #"{"custom_id":"a","response":{"status_code":200,"body":{"id":"x","usage":\#(usage)}},"error":null}"#
    }

    @Test
    func theFormsOfChatsResponsesAndEmbeddingsAreSummedUp() {
        let usage = sum(
            line(
                #"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"#
                    + #""completion_tokens_details":{"reasoning_tokens":2,"audio_tokens":9}}"#
            ),
            line(
                #"{"input_tokens":1,"output_tokens":2,"total_tokens":3,"input_tokens_details":{"cached_tokens":1},"#
                    + #""output_tokens_details":{"reasoning_tokens":1}}"#
            ),
            line(#"{"prompt_tokens":7,"total_tokens":7}"#)
        )

        #expect(usage.requests == 3)
        #expect(usage.inputTokens == 18)
        #expect(usage.cachedTokens == 5)
        #expect(usage.outputTokens == 7)
        #expect(usage.reasoningTokens == 3)
        #expect(usage.totalTokens == 25)
        let json =
            #"{"input_tokens":18,"input_tokens_details":{"cached_tokens":5},"output_tokens":7,"#
            + #""output_tokens_details":{"reasoning_tokens":3},"total_tokens":25}"#
        #expect(usage.json == json)
    }

    @Test
    func aTotalThatIsNotToldIsTheSumOfBoth() {
        #expect(sum(line(#"{"input_tokens":3,"output_tokens":4}"#)).totalTokens == 7)
    }

    @Test(arguments: [
        "", "x", "[]", "{", "null", #"{"response":null}"#, #"{"response":{"body":[]}}"#,
        #"{"response":{"body":{"usage":null}}}"#, #"{"response":{"body":{"usage":{}}}}"#,
        #"{"usage":{"total_tokens":5}}"#, #"{"response":{"usage":{"total_tokens":5}}}"#,
        #"{"response":{"body":{"usage":{"total_tokens":"5"}}}}"#,
        #"{"response":{"body":{"usage":{"total_tokens":5}}}"#, #"{"response":{"body":{"usage":{"total_tokens":1.5}}}}"#,
    ])
    func whatTellsNothingAddsNothing(text: String) {
        #expect(sum(text) == BatchUsage())
    }

    @Test
    func whatNoProviderHasUsedDoesNotOverflowTheSum() {
        let most = line(#"{"input_tokens":9223372036854775807,"output_tokens":-5,"total_tokens":99999999999999999999}"#)
        let usage = sum(most, most)

        #expect(usage.requests == 2)
        #expect(usage.inputTokens == 1 << 51)
        #expect(usage.outputTokens == 0)
    }
}
