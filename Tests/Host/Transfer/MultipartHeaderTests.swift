import HostCore
import HostTransfer
import Testing

struct MultipartHeaderTests {
    @Test(arguments: [
        (#"form-data; name="file"; filename="a.pdf""#, "a.pdf"),
        (#"form-data; name=file; filename=a.pdf"#, "a.pdf"),
        (#"FORM-DATA ; NAME="file" ; FileName="a.pdf" ;"#, "a.pdf"),
        (#"form-data; filename="a;b=c.pdf"; name="file""#, "a;b=c.pdf"),
        // curl escapes with backslashes, browsers with percent signs.
        (#"form-data; name="file"; filename="a \"b\" \\ c.pdf""#, " c.pdf"),
        (#"form-data; name="file"; filename="a %22b%22 100%25.pdf""#, #"a "b" 100%25.pdf"#),
        (#"form-data; name="file"; filename="C:\Users\me\a.pdf""#, "a.pdf"),
        (#"form-data; name="file"; filename="/etc/passwd""#, "passwd"),
        (#"form-data; name="file"; filename="../../a""#, "a"),
        (#"form-data; name="file"; filename="..""#, ""),
        (#"form-data; name="file"; filename="a/..""#, ""),
        (#"form-data; name="file"; filename="a/""#, ""),
        (#"form-data; name="file"; filename="""#, ""),
        (#"form-data; name="file"; filename="Prüfung 漢字.pdf""#, "Prüfung 漢字.pdf"),
        (#"form-data; name="file"; filename="x.pdf"; filename*=UTF-8''%e2%82%ac%20rates.pdf"#, "€ rates.pdf"),
        (#"form-data; name="file"; filename*=utf-8'en'%2Fetc%2Fa.pdf; filename="x.pdf""#, "a.pdf"),
    ])
    func fileNamesAreReadAsClientsWriteThem(disposition: String, filename: String) throws {
        let found = try parts(
            of: MultipartBodies.part(["Content-Disposition: \(disposition)"], []) + MultipartBodies.end
        )

        #expect(found.first?.part.name == "file")
        #expect(found.first?.part.filename == filename)
    }

    @Test(arguments: [
        "form-data", "form-data; name", "form-data; name=", #"form-data; name="a"#, #"form-data; name="a" x"#,
        #"form-data; name="a"; name="b""#, #"form-data; name="a"; NAME="b""#, #"attachment; name="a""#, "",
        #"form-data; name="""#, #"form-data; name="a%0Ab""#, "form-data; name=\"a\u{85}\"",
        "form-data; name=\"a\u{0}\"",
        #"form-data; name="a"; filename="b%0D%0Ac""#, "form-data; name=a; filename=\"b\u{7f}\"",
        #"form-data; name="a"; filename*=ISO-8859-1''%A3"#, #"form-data; name="a"; filename*=UTF-8''%f"#,
        #"form-data; name="a"; filename*=UTF-8''%ff"#, #"form-data; name="a"; filename*=UTF-8''a%00"#,
        #"form-data; name="a"; filename*=x"#, "form-data; =a; name=b", "form-data; na me=a",
        "form-data; name=a b", #"form-data; name="\#(String(repeating: "a", count: 257))""#,
        #"form-data; name="a"; filename="\#(String(repeating: "a", count: 1025))""#,
    ])
    func badDispositionsAreRefused(disposition: String) {
        let error = #expect(throws: RuleError.self) {
            try parts(of: MultipartBodies.part(["Content-Disposition: \(disposition)"], []) + MultipartBodies.end)
        }

        #expect(error?.code == .invalidRequest)
    }

    @Test
    func aHeaderThatMattersMayNotComeTwice() {
        let line = "Content-Disposition: form-data; name=a"

        #expect(throws: RuleError.self) { try parts(of: MultipartBodies.part([line, line], []) + MultipartBodies.end) }
    }

    @Test
    func headersThatAreNotUTF8AreRefused() {
        let body = Array("--AaB03x\r\nContent-Disposition: form-data; name=\"".utf8) + [0xe9] + Array("\"\r\n\r\n".utf8)

        #expect(throws: RuleError.self) { try parts(of: body) }
    }

    @Test(arguments: [("binary", true), ("8BIT", true), ("7bit", true), ("base64", false), ("quoted-printable", false)])
    func onlyPlainTransferEncodingsAreTaken(encoding: String, isTaken: Bool) {
        let body =
            MultipartBodies.part(
                ["Content-Disposition: form-data; name=a", "Content-Transfer-Encoding: \(encoding)"],
                []
            ) + MultipartBodies.end

        let isRefused = Result { try parts(of: body) }.isFailure
        #expect(isRefused != isTaken)
    }

    @Test(arguments: [
        ("multipart/form-data; boundary=abc", "abc"),
        (#"Multipart/Form-Data;charset=utf-8; Boundary="a b'c""#, "a b'c"),
        ("multipart/form-data; boundary=----=_Part_1", "----=_Part_1"),
        ("multipart/form-data; boundary=\(String(repeating: "a", count: 70))", String(repeating: "a", count: 70)),
    ])
    func boundariesAreRead(contentType: String, boundary: String) throws {
        #expect(try MultipartBoundary(contentType: contentType).text == boundary)
    }

    @Test(arguments: [
        nil, "", "application/json", "multipart/mixed; boundary=a", "multipart/form-data",
        "multipart/form-data; boundary=",
        #"multipart/form-data; boundary="""#, #"multipart/form-data; boundary="a ""#,
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=é", "multipart/form-data; boundary=\"a\r\nb\"",
        "multipart/form-data; boundary=a@b",
        "multipart/form-data; boundary=\(String(repeating: "a", count: 71))",
    ])
    func badContentTypesAreRefused(contentType: String?) {
        let error = #expect(throws: RuleError.self) { try MultipartBoundary(contentType: contentType) }

        #expect(error?.code == .invalidRequest)
    }
}

extension Result {
    /// Whether this is no success.
    fileprivate var isFailure: Bool {
        switch self {
        case .success: false
        case .failure: true
        }
    }
}
