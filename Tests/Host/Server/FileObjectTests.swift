import Foundation
import HostCore
import NIOCore
import Testing

@testable import HostServer

struct FileObjectTests {
    @Test
    func aFileHasItsNineMembersInOrder() throws {
        let object = Self.object(filename: "a.pdf", expiresAt: UnixTime(secondsSince1970: 1_800_086_400))

        let text = String(buffer: try object.json())

        #expect(
            text == #"{"bytes":3,"created_at":1800000000,"expires_at":1800086400,"filename":"a.pdf","id":"file-a","#
                + #""object":"file","purpose":"user_data","status":"processed","status_details":null}"#
        )
    }

    @Test(arguments: [
        "", "a b/c.pdf", "日本🙂.txt", "\"", "\\", "\\\"", "\n", "\r\n", "\u{0}\u{1f}\u{7f}", "\u{2028}", "e\u{301}\"",
    ])
    func anyNameComesBack(filename: String) throws {
        let list = FileList(data: [Self.object(filename: filename), Self.object(filename: "b")], hasMore: true)

        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let read = try decoder.decode(ReadList.self, from: Data(String(buffer: try list.json()).utf8))

        #expect(read.data.map { Array($0.filename.utf8) } == [Array(filename.utf8), Array("b".utf8)])
        #expect(read.data.allSatisfy { $0.expiresAt == nil && $0.bytes == 3 })
        #expect(read.hasMore && read.firstId == "file-a" && read.lastId == "file-a" && read.object == "list")
    }

    @Test
    func anEmptyPageHasTextForItsEnds() throws {
        let text = String(buffer: try FileList(data: [], hasMore: false).json())

        #expect(text == #"{"data":[],"first_id":"","has_more":false,"last_id":"","object":"list"}"#)
    }

    private struct ReadList: Decodable {
        struct File: Decodable {
            let filename: String
            let bytes: Int
            let expiresAt: Int?
        }

        let data: [File]
        let firstId: String
        let lastId: String
        let hasMore: Bool
        let object: String
    }

    private static func object(filename: String, expiresAt: UnixTime? = nil) -> FileObject {
        let file = ManagedFile(
            id: FileID(uuid: RecordUUID(high: 1, low: 2)),
            owner: .user(UserID("alice")),
            teamID: nil,
            purpose: .userData,
            filename: filename,
            mimeType: "application/pdf",
            sizeInBytes: 3,
            sha256: nil,
            createdAt: UnixTime(secondsSince1970: 1_800_000_000),
            expiresAt: expiresAt,
            status: .ready,
            targetNames: ["gpt-4o"],
            copies: []
        )
        return FileObject(file: file, id: "file-a")
    }
}
