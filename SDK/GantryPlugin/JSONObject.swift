/// The members of a JSON object, in order.
///
/// Names are compared scalar by scalar: two spellings that Unicode calls equivalent are two names. Two objects are
/// equal if they have equal members in the same order.
public struct JSONObject: Hashable, Sendable {
    /// The members, in order.
    public private(set) var members: [(name: String, value: JSON)]

    /// Makes an object without members.
    public init() { members = [] }

    /// Takes over members that the parser has already checked for duplicates.
    init(checked members: [(name: String, value: JSON)]) { self.members = members }

    /// How many members there are.
    public var count: Int { members.count }

    /// The names, in order.
    public var names: [String] { members.map { $0.name } }

    /// The value of a member; setting one keeps its place or adds it at the end, setting nil removes it.
    public subscript(name: String) -> JSON? {
        get { index(of: name).map { members[$0].value } }
        set {
            switch (index(of: name), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append((name, value))
            case (nil, nil): break
            }
        }
    }

    /// Adds a member at the end without looking for another of that name: the caller knows that there is none.
    public mutating func append(name: String, value: JSON) { members.append((name, value)) }

    private func index(of name: String) -> Int? {
        members.firstIndex { $0.name.hasSameBytes(as: name) }
    }

    /// Compares names scalar by scalar, values and order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) { first, second in
            first.name.hasSameBytes(as: second.name) && first.value == second.value
        }
    }

    /// Feeds the members into a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(members.count)
        for member in members {
            hasher.combine(ExactName(text: member.name))
            hasher.combine(member.value)
        }
    }
}

/// A string that equals another one only if they have the same UTF-8.
struct ExactName: Hashable {
    let text: String

    static func == (left: ExactName, right: ExactName) -> Bool { left.text.hasSameBytes(as: right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

extension String {
    /// Whether the other text has the same UTF-8; most names differ in their length, which costs nothing to compare.
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}
