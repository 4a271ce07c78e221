import HostCore

/// The body of `POST /v1/uploads/{id}/complete`.
struct UploadCompletionBody: StrictBody, Sendable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case partIDs = "part_ids"
        case md5
    }

    static let memberNames = Set(CodingKeys.allCases.map(\.rawValue))
    private static let md5Length = 32

    let partIDs: [String]
    let md5: String?

    /// The parts in their order.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest` if there is none, one comes twice, or is no part of any upload;
    ///   with `.tooLarge` for more than an upload can have.
    func parts(_ ids: ObjectIDCodec) throws(RuleError) -> [RequestedObject] {
        guard !partIDs.isEmpty else {
            throw RuleError(.invalidRequest, "part_ids is empty: name the parts in their order.", parameter: "part_ids")
        }
        guard partIDs.count <= UploadSession.maximumParts else {
            throw RuleError(
                .tooLarge,
                "An upload has at most \(UploadSession.maximumParts) parts.",
                parameter: "part_ids"
            )
        }
        var seen: Set<String> = []
        return try partIDs.map { text throws(RuleError) in
            guard seen.insert(text).inserted else {
                throw RuleError(.invalidRequest, "The part \(text) comes twice.", parameter: "part_ids")
            }
            guard let id = ids.id(.part, in: text) else { throw .notAPart(text) }
            return RequestedObject(id: id, clientID: text)
        }
    }

    /// The MD5 of the whole content in lower-case hexadecimal digits; nil if the client does not want it checked.
    ///
    /// - Throws: ``RuleError`` with `.invalidRequest`, parameter `md5`.
    func checksum() throws(RuleError) -> String? {
        guard let md5 else { return nil }
        guard md5.utf8.count == Self.md5Length, md5.utf8.allSatisfy(\.isHexadecimalDigit) else {
            throw RuleError(.invalidRequest, "md5 must be \(Self.md5Length) hexadecimal digits.", parameter: "md5")
        }
        return md5.lowercased()
    }
}
