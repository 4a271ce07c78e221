import HostCore
import Testing

struct ProviderPlaceTests {
    private func others(_ body: String) throws -> [ProviderPlace] {
        let bytes = Array(body.utf8)
        let scan = try bytes.withUnsafeBytes { try RequestScanner.scan($0) }
        for place in scan.others where !place.text.contains("é") {
            #expect(String(decoding: bytes[place.range], as: UTF8.self) == "\"\(place.text)\"")
        }
        return scan.others
    }

    @Test(arguments: [
        (#"{"previous_response_id":"resp_1"}"#, ProviderPlace.Kind.previousResponse, "resp_1", "previous_response_id"),
        (#"{"conversation":"conv_1"}"#, .conversation, "conv_1", "conversation"),
        (#"{"conversation":{"x":1,"id":"conv_1"}}"#, .conversation, "conv_1", "conversation.id"),
        (#"{"input":[{},{"type":"item_reference","id":"msg_1"}]}"#, .item, "msg_1", "input.[1]"),
        (#"{"input":[{"id":"msg_1","\u0074ype":"item\u005freference","role":"user"}]}"#, .item, "msg_1", "input.[0]"),
        (#"{"input":[{"id":"msg_1"}]}"#, .item, "msg_1", "input.[0]"),
        (#"{"input":[{"id":"msg_1","type":null,"role":null}]}"#, .item, "msg_1", "input.[0]"),
        (
            #"{"tools":[{"type":"file_search","vector_store_ids":["vs_1","vs_2"]}]}"#, .vectorStore, "vs_1",
            "tools.[0].vector_store_ids.[0]"
        ),
        (#"{"tools":[{"container":"cntr_1"}]}"#, .container, "cntr_1", "tools.[0].container"),
    ])
    func whatAProviderKeepsIsFound(body: String, kind: ProviderPlace.Kind, text: String, path: String) throws {
        let found = try others(body)

        #expect(found.map(\.kind) == [kind])
        #expect(found.map(\.text) == [text])
        #expect(found.map(\.path) == [path])
    }

    @Test(arguments: [
        #"{"previous_response_id":null,"conversation":null,"input":"x"}"#,
        #"{"input":[{"type":"message","id":"msg_1"},{"id":"rs_1","type":"reasoning"},{"role":"user","id":"x"}]}"#,
        #"{"input":[{"type":"item_reference"},{"id":7},{"content":[{"id":"x"}]}]}"#,
        #"{"x":{"previous_response_id":"resp_1","conversation":"c","input":[{"id":"y"}]},"container":"z"}"#,
        #"{"tools":[{"type":"code_interpreter","container":{"type":"auto"}},{"vector_store_ids":[]}]}"#,
        #"{"metadata":{"vector_store_ids":["x"]},"tools":[{"parameters":{"vector_store_ids":["x"]}}]}"#,
    ])
    func whatMerelyLooksLikeItIsNot(body: String) throws {
        #expect(try others(body).isEmpty)
    }

    @Test(arguments: [
        #"{"previous_response_id":1}"#, #"{"previous_response_id":["resp_1"]}"#, #"{"previous_response_id":{}}"#,
        #"{"previous_response_id":"a","previous\u005fresponse_id":"b"}"#, #"{"conversation":"a","conversation":"b"}"#,
        #"{"input":[{"id":"a","id":"b"}]}"#, #"{"input":[{"type":"a","type":"item_reference"}]}"#,
    ])
    func whatTwoReadersWouldReadDifferentlyIsRefused(body: String) {
        #expect(throws: RuleError.self) { try others(body) }
    }

    @Test
    func filesAreFoundInTheItemsOfAnInput() throws {
        let body = """
            {"input":[{"type":"input_file","file_id":"a"},{"role":"assistant","content":[{"type":"input_image",
            "file_id":"b"}]},{"type":"computer_call_output","output":{"file_id":"c"}}],
            "tools":[{"type":"code_interpreter","container":{"type":"auto","file_ids":["d"]}},
            {"type":"image_generation","input_image_mask":{"file_id":"e"}}]}
            """
        let bytes = Array(body.utf8)

        let scan = try bytes.withUnsafeBytes { try RequestScanner.scan($0) }

        #expect(scan.ids.map(\.text) == ["a", "b", "c", "d", "e"])
        #expect(scan.others.isEmpty)
    }

    @Test
    func oneThingThatIsNotManagedIsEnough() throws {
        let items = (0..<5000).map { #"{"id":"msg_\#($0)"}"# }.joined(separator: ",")

        let found = try others(#"{"input":[\#(items)],"previous_response_id":"r"}"#)

        #expect(found.map(\.text) == ["msg_0", "r"])
    }

    private static let codec = Samples.objectCodec()

    private func previous(_ body: String, rawIDs: Bool = false) throws -> ResponseReference? {
        let principal = Principal(
            keyID: KeyID("k"),
            userID: nil,
            teamID: nil,
            role: .user,
            models: .all,
            allowsRawFileIDs: rawIDs
        )
        return try others(body).previousResponse(codec: Self.codec, for: principal)
    }

    @Test
    func aManagedResponseIsReadAndNothingElse() throws {
        let id = ObjectID(.response, uuid: Samples.uuid)
        let text = Self.codec.text(for: id, at: nil)
        let batch = Self.codec.text(for: ObjectID(.batch, uuid: id.uuid), at: nil)

        #expect(try previous(#"{"previous_response_id":"\#(text)"}"#)?.id == id)
        for other in ["resp_1", "", batch, String(text.dropLast()), text.uppercased()] {
            let error = #expect(throws: RuleError.self) { try previous(#"{"previous_response_id":"\#(other)"}"#) }
            #expect(error?.code == .responseNotFound)
            #expect(error?.parameter == "previous_response_id")
        }
    }

    @Test
    func whatIsNotManagedIsForKeysThatMayNameRawFiles() throws {
        for body in [
            #"{"conversation":"c"}"#, #"{"input":[{"type":"item_reference","id":"m"}]}"#,
            #"{"tools":[{"vector_store_ids":["v"]}]}"#, #"{"tools":[{"container":"c"}]}"#,
        ] {
            let error = #expect(throws: RuleError.self) { try previous(body) }
            #expect(error?.code == .unsupported)
            #expect(try previous(body, rawIDs: true) == nil)
        }
        #expect(try previous(#"{"previous_response_id":"resp_1"}"#, rawIDs: true) == nil)
    }

    @Test
    func aRequestOfABatchNamesNoneOfIt() {
        let line =
            #"{"custom_id":"1","method":"POST","url":"/v1/responses","body":{"model":"m","previous_response_id":"r"}}"#

        let error = #expect(throws: RuleError.self) { try Array(line.utf8).withUnsafeBytes { try BatchLine($0) } }

        #expect(error?.code == .unsupported)
        #expect(error?.parameter == "body.previous_response_id")
    }
}
