import GantryPlugin

/// What is changed in a client's chat request for a provider that has other names for things, or does not take them.
///
/// A name that a client writes with escapes is not found and goes through as it is.
struct ChatEdits: Sendable {
    /// A place in the request and what stands there instead.
    struct Edit: Hashable, Sendable {
        let range: Range<Int>
        let replacement: [UInt8]
    }

    private let renamed: [(name: [UInt8], other: [UInt8], text: String)]
    private let dropped: [[UInt8]]
    private let roles: [(name: [UInt8], other: [UInt8])]

    /// A request is sent in pieces, of which a host takes no more than some ten thousands.
    private static let mostEdits = 16_384
    private static let messages = Array("\"messages\"".utf8)
    private static let role = Array("\"role\"".utf8)

    /// Makes edits.
    ///
    /// - Parameters:
    ///   - renamed: Members of the request by their name at OpenAI.
    ///   - dropped: Members that are left out.
    ///   - roles: Roles of messages by their name at OpenAI.
    init(renamed: [String: String], dropped: [String], roles: [String: String]) {
        self.renamed = renamed.sorted { $0.key < $1.key }.map { (Self.quoted($0.key), Self.quoted($0.value), $0.key) }
        self.dropped = dropped.map(Self.quoted)
        self.roles = roles.sorted { $0.key < $1.key }.map { (Self.quoted($0.key), Self.quoted($0.value)) }
    }

    /// Whether nothing is ever changed.
    var isEmpty: Bool { renamed.isEmpty && dropped.isEmpty && roles.isEmpty }

    /// The changes to a request, in ascending order and without overlaps.
    /// - Throws: ``Failure`` with `.invalid` for what is no JSON object, and for a member under both of its names.
    func edits(of request: UnsafeRawBufferPointer) throws(Failure) -> [Edit] {
        var scanner = MemberScanner(request)
        let members = try scanner.members()
        var edits = drops(members, request)
        for member in members {
            if let other = renamed.first(where: { Self.matches($0.name, member.name, request) }) {
                guard !members.contains(where: { Self.matches(other.other, $0.name, request) }) else {
                    throw Failure(
                        .invalid,
                        "The provider knows `\(other.text)` by another name that is also there; send one of the two.",
                        parameter: other.text
                    )
                }
                edits.append(Edit(range: member.name, replacement: other.other))
            }
            if !roles.isEmpty, Self.matches(Self.messages, member.name, request) {
                edits += try roleEdits(member.value, request)
            }
        }
        guard edits.count <= Self.mostEdits else {
            throw Failure(
                .invalid,
                "The request has more than \(Self.mostEdits) places that this provider knows by other names."
            )
        }
        return edits.sorted { $0.range.lowerBound < $1.range.lowerBound }
    }

    /// Each run of members that are left out, with the comma that goes with it.
    private func drops(_ members: [MemberScanner.Member], _ request: UnsafeRawBufferPointer) -> [Edit] {
        guard !dropped.isEmpty else { return [] }
        let isDropped = members.map { member in dropped.contains { Self.matches($0, member.name, request) } }
        var edits: [Edit] = []
        var index = 0
        while index < members.count {
            guard isDropped[index] else {
                index += 1
                continue
            }
            let first = index
            while index < members.count, isDropped[index] { index += 1 }
            let range =
                if index < members.count {
                    members[first].name.lowerBound..<members[index].name.lowerBound
                } else if first > 0 {
                    members[first - 1].value.upperBound..<members[index - 1].value.upperBound
                } else {
                    members[first].name.lowerBound..<members[index - 1].value.upperBound
                }
            edits.append(Edit(range: range, replacement: []))
        }
        return edits
    }

    private func roleEdits(_ messages: Range<Int>, _ request: UnsafeRawBufferPointer) throws(Failure) -> [Edit] {
        var scanner = MemberScanner(request, at: messages.lowerBound)
        guard scanner.begins(with: "[") else { return [] }
        var edits: [Edit] = []
        for message in try scanner.elements() {
            var scanner = MemberScanner(request, at: message.lowerBound)
            guard scanner.begins(with: "{") else { continue }
            for member in try scanner.members() where Self.matches(Self.role, member.name, request) {
                guard let role = roles.first(where: { Self.matches($0.name, member.value, request) }) else { continue }
                edits.append(Edit(range: member.value, replacement: role.other))
            }
        }
        return edits
    }

    private static func quoted(_ text: String) -> [UInt8] { JSON.string(text).serialized() }

    private static func matches(_ text: [UInt8], _ range: Range<Int>, _ request: UnsafeRawBufferPointer) -> Bool {
        text.count == range.count && UnsafeRawBufferPointer(rebasing: request[range]).elementsEqual(text)
    }
}
