import Testing

@testable import HostUpstream

struct ServerIdentityTests {
    @Test(arguments: [
        ("a.example", "a.example"), ("A.Example", "a.example"), ("*.example.com", "a.example.com"),
        ("localhost", "localhost"),
        ("*.b.example.com", "a.b.example.com"),
    ])
    func aNameCoversItselfAndAStarItsFirstLabel(pattern: String, host: String) {
        #expect(ServerIdentity.name(Array(pattern.utf8), covers: Array(host.utf8)))
    }

    @Test(arguments: [
        ("", ""), ("", "a"), ("a.example", "b.example"), ("*.example.com", "example.com"),
        ("*.example.com", "a.b.example.com"),
        ("*.example.com", ".example.com"), ("*.com", "example.com"), ("*", "localhost"), ("*.", "a."),
        ("a*.example.com", "ab.example.com"),
        ("*.example.com\u{0}.evil", "a.example.com"), ("a.example.", "a.example"), ("*.*.com", "a.example.com"),
    ])
    func aNameCoversNothingElse(pattern: String, host: String) {
        #expect(!ServerIdentity.name(Array(pattern.utf8), covers: Array(host.utf8)))
    }
}
