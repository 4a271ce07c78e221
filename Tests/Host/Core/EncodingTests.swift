import HostCore
import Testing

struct Base32Tests {
    // RFC 4648 §10, in lower case and without padding.
    @Test(arguments: [
        ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb"),
        ("foobar", "mzxw6ytboi"),
    ])
    func agreesWithTheRFC(plain: String, encoded: String) {
        #expect(Base32.encode(Array(plain.utf8)) == encoded)
        #expect(Base32.decode(encoded) == Array(plain.utf8))
    }

    @Test
    func everyLengthComesBack() {
        var generator = SeededGenerator(seed: 1)
        for length in 0..<70 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(Base32.decode(Base32.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: ["MY", "m1", "m8", "my=", "m y", "mý", "a", "abc", "mz", "mzxr", "mzxw7", "mzxw6y"])
    func everyValueHasOneSpelling(text: String) {
        #expect(Base32.decode(text) == nil)
    }
}

struct URLSafeBase64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"), ("\u{fb}\u{ff}", "w7vDvw"), ("???>>>", "Pz8_Pj4-"),
    ])
    func agreesWithTheRFC(plain: String, encoded: String) {
        #expect(URLSafeBase64.encode(Array(plain.utf8)) == encoded)
        #expect(URLSafeBase64.decode(encoded) == Array(plain.utf8))
    }

    @Test
    func paddingIsAllowed() {
        #expect(URLSafeBase64.decode("Zg==") == [0x66])
        #expect(URLSafeBase64.decode("Zm8=") == [0x66, 0x6f])
    }

    @Test
    func everyLengthComesBack() {
        var generator = SeededGenerator(seed: 2)
        for length in 0..<70 {
            let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(URLSafeBase64.decode(URLSafeBase64.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: ["Z", "Zm9vY", "Zm+v", "Zm/v", "Zm 9v", "Zg=a", "Zé"])
    func foreignCharactersAndImpossibleLengthsAreRefused(text: String) {
        #expect(URLSafeBase64.decode(text) == nil)
    }
}
