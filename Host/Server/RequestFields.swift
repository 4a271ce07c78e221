import HostCore
import NIOHTTP1

/// What the gateway reads of a request's headers, found in one pass: every request comes here, and each look through
/// `HTTPHeaders` by a name costs as much as this.
struct RequestFields {
    /// What `Content-Length` says, nil if there is none; one that no number can hold is as long as can be.
    private(set) var length: Int64?
    /// Whether the client waits for an interim answer before it sends the body.
    private(set) var expectsContinue = false
    /// How many `Host` headers there are.
    private(set) var hosts = 0
    private(set) var credentials = Credentials()

    init(_ headers: HTTPHeaders) {
        for (name, value) in headers {
            switch name.utf8.count {
            case 4 where name.isWord("host"): hosts += 1
            case 6 where name.isWord("expect"): expectsContinue = value.isWord("100-continue")
            case 14 where name.isWord("content-length"): length = Int64(value) ?? .max
            default: credentials.note(name, value)
            }
        }
    }
}

extension String {
    /// Whether this is an ASCII word, whose letters may be of either case.
    func isWord(_ word: StaticString) -> Bool {
        var text = self
        return text.withUTF8 { UnsafeRawBufferPointer($0).isWord(word) }
    }
}
