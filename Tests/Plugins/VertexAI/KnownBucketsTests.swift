import GantryPlugin
import Testing

@testable import VertexAIAdapter

struct KnownBucketsTests {
    private static let buckets: Set<String> = ["my-bucket", "files.example.com"]

    @Test(arguments: [
        "https://storage.googleapis.com/my-bucket/gantry/a.pdf", "https://my-bucket.storage.googleapis.com/a.pdf",
        "https://storage.cloud.google.com/my-bucket/a.pdf", "HTTPS://STORAGE.GOOGLEAPIS.COM/MY-BUCKET/a.pdf",
        "https://storage.googleapis.com/my%2Dbucket/a.pdf", "https://storage.googleapis.com/my%252Dbucket/a.pdf",
        "https://storage.googleapis.com//my-bucket//a.pdf", "https://storage.googleapis.com:443/my-bucket/a.pdf",
        "https://storage.googleapis.com/x/..%2fmy-bucket/a.pdf", "https://user@my-bucket.storage.googleapis.com/a.pdf",
        "https://www.googleapis.com/storage/v1/b/my-bucket/o/a.pdf?alt=media", "http://files.example.com/a.pdf",
        "https://my-bucket.storage-download.googleapis.com/a.pdf", "https://gs://my-bucket/a.pdf",
    ])
    func anObjectIsRecognisedAtAnyOfItsAddresses(address: String) {
        #expect(Self.buckets.mayHold(address))
    }

    @Test(arguments: [
        "https://storage.googleapis.com/other-bucket/a.pdf", "https://example.com/a.pdf",
        "https://example.com/100%.pdf",
        "https://my-bucket-2.storage.googleapis.com/a.pdf", "https://storage.googleapis.com/my-bucket-2/a.pdf",
        "my-bucket",
    ])
    func otherAddressesPass(address: String) {
        #expect(!Self.buckets.mayHold(address))
    }

    @Test
    func aRequestWithSuchAnAddressIsRefused() throws {
        let request: JSON = [
            "model": "gemini",
            "messages": [
                [
                    "role": "user",
                    "content": [
                        [
                            "type": "image_url",
                            "image_url": ["url": "https://storage.googleapis.com/my-bucket/gantry/a.png"],
                        ]
                    ],
                ]
            ],
        ]
        let settings = try Deployment.settings()

        let failure = #expect(throws: Failure.self) {
            try ChatRequest(request, references: [], settings: settings, buckets: Self.buckets)
        }

        #expect(failure?.reason == .invalid)
        #expect(failure?.parameter == "messages.[0].content.[0].image_url.url")
        #expect(throws: Never.self) { try ChatRequest(request, references: [], settings: settings) }
    }
}
