import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct CustomIDLabelsTests {
    @Test(
        arguments: [
            "", "a", "request-1", "ab", "abc", "abcd", "abcde", "Ünïcode \u{1F600} \"quoted\"\n",
            String(repeating: "x", count: 39), String(repeating: "x", count: 40), String(repeating: "é", count: 256),
            String(repeating: "z", count: CustomIDLabels.maximumLength),
        ]
    )
    func anIDComesBackFromItsLabels(id: String) throws {
        let labels = try #require(CustomIDLabels.labels(for: id))

        #expect(CustomIDLabels.customID(in: labels) == id)
        let members = try #require(labels.object?.members)
        #expect((1...64).contains(members.count))
        for (name, value) in members {
            #expect(name.wholeMatch(of: /[a-z][a-z0-9_-]{0,62}/) != nil)
            #expect(value.string?.wholeMatch(of: /[a-z0-9_-]{0,63}/) != nil)
        }
    }

    @Test
    func theLongestCustomIDOfOpenAIFits() {
        #expect(CustomIDLabels.maximumLength >= 512)
        #expect(CustomIDLabels.labels(for: String(repeating: "a", count: CustomIDLabels.maximumLength + 1)) == nil)
    }

    @Test
    func labelsOfOthersAreNotTouched() throws {
        var labels = try #require(CustomIDLabels.labels(for: "mine")?.object)
        labels["team"] = "x"

        #expect(CustomIDLabels.customID(in: .object(labels)) == "mine")
    }

    @Test(
        arguments: [
            #"null"#, #"{}"#, #"{"team":"x"}"#, #"{"gantry-custom-id-0":1}"#, #"{"gantry-custom-id-0":"W"}"#,
            #"{"gantry-custom-id-1":"00"}"#, #"{"gantry-custom-id-0":"00","gantry-custom-id-2":"00"}"#,
            #"{"gantry-custom-id-0":"z"}"#, #"{"gantry-custom-id-0":"0"}"#, #"{"gantry-custom-id-0":"01"}"#,
            #"{"gantry-custom-id-0":"vu"}"#, #"{"gantry-custom-id-x":"00"}"#, #"[]"#,
        ]
    )
    func otherLabelsAreNoID(text: String) throws {
        #expect(CustomIDLabels.customID(in: try JSON(text: text)) == nil)
    }
}
