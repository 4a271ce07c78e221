import CGantryPlugin
import GantryPlugin
import PluginHarness
import Testing

struct PluginEntryTests {
    @Test
    func theTableIsMadeOnceAndSaysWhatTheDescriptionSays() throws {
        let first = try #require(PluginEntry<SampleAdapter>.table(hostMinor: 0))
        let table = first.pointee

        #expect(PluginEntry<SampleAdapter>.table(hostMinor: 9) == first)
        #expect(table.size == UInt32(MemoryLayout<gantry_plugin>.size))
        #expect(table.needs_minor == 0)
        #expect(table.flags == UInt32(GANTRY_PF_PARALLEL))
        #expect(table.ops == 0b11_0111_0000_1111)
        #expect(text(table.id) == "sample")
        #expect(text(table.version) == "1.2.3")
        #expect(table.extension?("org.example.thing/1") == nil)
    }

    @Test
    func theDocumentDescribesParametersAndPurposes() throws {
        let harness = try PluginHarness<SampleAdapter>()

        #expect(
            try harness.describe == [
                "params": [
                    "key": ["kind": "secret", "env": "SAMPLE_KEY"],
                    "account": ["kind": "credentials", "members": ["private_key"], "endpoints": ["token_uri"]],
                ],
                "config": ["base": ["kind": "endpoint"], "tier": ["kind": "value"]],
                "content_purposes": ["*"],
            ]
        )
    }

    @Test
    func aRefusalOfAConstructorSaysWhy() {
        let refusal = Failure(.invalid, "`bad` is not known.", parameter: "bad")

        #expect(throws: refusal) { try PluginHarness<SampleAdapter>(configuration: ["bad": 1]) }
        #expect(throws: refusal) { try PluginHarness<SampleAdapter>(parameters: ["bad": 1]) }
    }

    @Test
    func nullPointersAreRefused() throws {
        let table = try #require(PluginEntry<SampleAdapter>.table(hostMinor: 0)).pointee
        var object: OpaquePointer?

        #expect(table.instance_new?(nil, gantry_slice(), nil, &object) == -2)
        #expect(table.target_new?(nil, gantry_slice(), nil, &object) == -2)
        #expect(table.op_new?(nil, 0, &object) == -2)
        #expect(table.op_step?(nil, nil, nil) == -2)
        table.op_free?(nil)
        table.target_free?(nil)
        table.instance_free?(nil)
        #expect(object == nil)
    }

    @Test
    func rawValuesAreThoseOfTheHeader() {
        #expect(OperationKind.fileContent.rawValue == UInt32(GANTRY_OP_FILE_CONTENT))
        #expect(OperationKind.fileCreate.rawValue == UInt32(GANTRY_OP_FILE_CREATE))
        #expect(OperationKind.responses.rawValue == UInt32(GANTRY_OP_RESPONSES))
        #expect(FailureReason.internalError.rawValue == Int32(GANTRY_ERR_INTERNAL))
        #expect(FailureReason.upstreamAuthentication.rawValue == Int32(GANTRY_ERR_UPSTREAM_AUTH))
        #expect(HTTPRequest.Framing.serverSentEvents.rawValue == Int32(GANTRY_FRAME_SSE))
        #expect(Host.SigningAlgorithm.es256.rawValue == UInt32(GANTRY_ALG_ES256))
        #expect(Host.LogLevel.error.rawValue == UInt32(GANTRY_LOG_ERROR))
        #expect(Reference.Kind.file.rawValue == UInt32(GANTRY_REF_FILE))
    }

    private func text(_ slice: gantry_slice) -> String {
        String(decoding: UnsafeBufferPointer(start: slice.ptr, count: slice.len), as: UTF8.self)
    }
}
