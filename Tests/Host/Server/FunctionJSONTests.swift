import Foundation
import HTTPTypes
import HostCore
import HostFunctions
import Testing

@testable import HostServer

struct FunctionJSONTests {
    private static let signature = "status(i32, i64, f64, cstr, out, bytes)"

    private func arguments(_ json: String, for text: String = signature) throws -> [FunctionArgument] {
        let values = try JSONDecoder().decode([ConfigurationValue].self, from: Data(json.utf8))
        return try FunctionJSON.arguments(values, for: try FunctionSignature(parsing: text))
    }

    @Test
    func valuesBecomeWhatTheSignatureSays() throws {
        #expect(
            try arguments(#"[-2147483648, 9223372036854775807, 3, "tëxt", {"base64": "AP8="}]"#) == [
                .integer(-2_147_483_648), .integer(.max), .real(3), .bytes(Array("tëxt".utf8)), .bytes([0, 255]),
            ]
        )
        #expect(try arguments(#"[1, 2, 2.5, "", "a\u0000b"]"#).last == .bytes([97, 0, 98]))
        #expect(try arguments("[]", for: "void()").isEmpty)
    }

    @Test(arguments: [
        (#"[2147483648, 1, 1, "", ""]"#, "arguments[0]"), (#"["1", 1, 1, "", ""]"#, "arguments[0]"),
        (#"[1, 1.5, 1, "", ""]"#, "arguments[1]"), (#"[1, true, 1, "", ""]"#, "arguments[1]"),
        (#"[1, 1, null, "", ""]"#, "arguments[2]"), (#"[1, 1, 1, "a\u0000", ""]"#, "arguments[3]"),
        (#"[1, 1, 1, {"base64": ""}, ""]"#, "arguments[3]"), (#"[1, 1, 1, "", {"base64": "?"}]"#, "arguments[4]"),
        (#"[1, 1, 1, "", {"base64": "", "a": 1}]"#, "arguments[4]"), (#"[1, 1, 1, "", [1]]"#, "arguments[4]"),
        ("[]", "arguments"), (#"[1, 1, 1, "", "", ""]"#, "arguments"),
    ])
    func whatDoesNotFitIsToldByItsPlace(json: String, parameter: String) {
        let error = #expect(throws: GatewayError.self) { try arguments(json) }

        #expect(error?.status == .badRequest)
        #expect(error?.parameter == parameter)
        #expect(error?.message.contains(Self.signature) == true)
    }

    @Test
    func bytesAreTextIfTheyCanBe() {
        #expect(FunctionJSON(Array("tëxt".utf8)) == .text("tëxt"))
        #expect(FunctionJSON([]) == .text(""))
        #expect(FunctionJSON([0xff]) == .base64("/w=="))
    }
}
