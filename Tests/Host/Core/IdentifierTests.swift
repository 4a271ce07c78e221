import HostCore
import Testing

struct RecordUUIDTests {
    @Test
    func textAndBytesComeBack() throws {
        let uuid = Samples.uuid

        #expect(uuid.text == Samples.uuidText)
        #expect(uuid.bytes.count == 16)
        #expect(uuid.bytes.first == 0x2a)
        #expect(RecordUUID(bytes: uuid.bytes) == uuid)
        #expect(RecordUUID(text: uuid.text) == uuid)
        #expect(RecordUUID(text: uuid.text.uppercased()) == uuid)
    }

    @Test
    func bytesAreReadFromAnyCollection() {
        let bytes = (0..<16).map { UInt8($0 * 17) }
        let uuid = RecordUUID(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)

        #expect(uuid.bytes == bytes)
        #expect(RecordUUID(bytes: bytes) == uuid)
        #expect(RecordUUID(bytes: ([9] + bytes + [9]).dropFirst().dropLast()) == uuid)
        #expect(RecordUUID(bytes: bytes.lazy.map { $0 }) == uuid)
        #expect(RecordUUID(bytes: bytes.dropFirst().lazy.map { $0 }) == nil)
    }

    @Test
    func leadingZerosAreKept() {
        let uuid = RecordUUID(high: 1, low: 2)

        #expect(uuid.text == "00000000-0000-0001-0000-000000000002")
        #expect(RecordUUID(text: uuid.text) == uuid)
    }

    @Test(arguments: [
        "", "2a839b2a7c254b55a51aef7a89c76d35", "2a839b2a-7c25-4b55-a51a-ef7a89c76d3",
        "2a839b2a-7c25-4b55-a51a-ef7a89c76d355", "2a839b2a-7c25-4b55-a51a-ef7a89c76d3g",
        "+a839b2a-7c25-4b55-a51a-ef7a89c76d35", "2a839b2a-7c25-4b55-+51a-ef7a89c76d35",
        "{2a839b2a-7c25-4b55-a51a-ef7a89c76d35}", "2a839b2a-7c25-4b55-a51a-ef7a89c76d35-",
        "２a839b2-7c25-4b55-a51a-ef7a89c76d35", " 2a839b2a-7c25-4b55-a51a-ef7a89c76d3",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(RecordUUID(text: text) == nil)
    }

    @Test(arguments: [0, 1, 15, 17, 32])
    func otherCountsOfBytesAreRefused(count: Int) {
        #expect(RecordUUID(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test
    func randomOnesAreOfVersion4AndDiffer() {
        let made = (0..<1000).map { _ in RecordUUID.random() }

        #expect(Set(made).count == made.count)
        #expect(made.allSatisfy { $0.bytes[6] >> 4 == 4 && $0.bytes[8] >> 6 == 0b10 })
    }
}

struct UnixTimeTests {
    @Test
    func sumsStayAtTheEndsInsteadOfOverflowing() {
        let late = UnixTime(secondsSince1970: .max - 5)
        let early = UnixTime(secondsSince1970: .min + 5)

        #expect(late.advanced(bySeconds: 10).secondsSince1970 == .max)
        #expect(early.advanced(bySeconds: -10).secondsSince1970 == .min)
        #expect(Samples.now.advanced(bySeconds: -1) < Samples.now)
    }

    @Test
    func theSystemClockIsInThisCentury() {
        #expect(SystemWallClock().now() > UnixTime(secondsSince1970: 1_700_000_000))
    }
}
