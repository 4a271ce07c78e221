import GantryPlugin

/// Where a value stands in the client's request.
indirect enum Place {
    case root
    case member(Place, String)
    case element(Place, Int)

    /// As OpenAI writes it: `messages.[0].content.[1].type`; nil at the root.
    var parameter: String? {
        switch self {
        case .root: nil
        case .member(let parent, let name): parent.parameter.map { "\($0).\(name)" } ?? name
        case .element(let parent, let index): parent.parameter.map { "\($0).[\(index)]" } ?? "[\(index)]"
        }
    }
}

/// A value of the client's request that knows its place, so that every refusal can name it.
struct RequestNode {
    let value: JSON
    let place: Place

    /// A member of a request's object that is there and not null.
    struct Member {
        let name: String
        let node: RequestNode
    }

    init(root value: JSON) {
        self.init(value: value, place: .root)
    }

    private init(value: JSON, place: Place) {
        self.value = value
        self.place = place
    }

    func invalid(_ message: String) -> Failure {
        Failure(.invalid, message, parameter: place.parameter)
    }

    /// The request is sound, but Gemini has nothing it could become.
    func unsupported(_ message: String) -> Failure {
        Failure(.unsupported, message, parameter: place.parameter, mayFallBack: true)
    }

    /// The refusal of a member nobody here knows.
    func unknown() -> Failure {
        unsupported("\(Wire.providerName) has no equivalent of '\(place.parameter ?? "")'; leave it out.")
    }

    func string() throws(Failure) -> String {
        guard let string = value.string else { throw wrongType("a string") }
        return string
    }

    func bool() throws(Failure) -> Bool {
        guard let bool = value.bool else { throw wrongType("a boolean") }
        return bool
    }

    func integer() throws(Failure) -> Int64 {
        guard let integer = value.integer else { throw wrongType("an integer") }
        return integer
    }

    /// A number, as the client wrote it.
    func number() throws(Failure) -> JSON {
        guard case .number = value else { throw wrongType("a number") }
        return value
    }

    func object() throws(Failure) -> JSONObject {
        guard let object = value.object else { throw wrongType("an object") }
        return object
    }

    /// The members in the client's order.
    ///
    /// OpenAI's clients write null for what they leave out, so null is absent.
    func members() throws(Failure) -> [Member] {
        guard let object = value.object else { throw wrongType("an object") }
        var members: [Member] = []
        members.reserveCapacity(object.count)
        for (name, value) in object.members where !value.isNull {
            members.append(Member(name: name, node: RequestNode(value: value, place: .member(place, name))))
        }
        return members
    }

    func elements() throws(Failure) -> [RequestNode] {
        guard let array = value.array else { throw wrongType("an array") }
        var elements: [RequestNode] = []
        elements.reserveCapacity(array.count)
        for (index, value) in array.enumerated() {
            elements.append(RequestNode(value: value, place: .element(place, index)))
        }
        return elements
    }

    /// A member that must be there.
    func required(_ name: String) throws(Failure) -> RequestNode {
        guard let object = value.object else { throw wrongType("an object") }
        guard let value = object[name], !value.isNull else {
            let place = Place.member(place, name)
            let parameter = place.parameter ?? name
            throw Failure(.invalid, "Missing required parameter: '\(parameter)'.", parameter: parameter)
        }
        return RequestNode(value: value, place: .member(place, name))
    }

    /// A member that may be absent or null.
    func optional(_ name: String) throws(Failure) -> RequestNode? {
        guard let object = value.object else { throw wrongType("an object") }
        guard let value = object[name], !value.isNull else { return nil }
        return RequestNode(value: value, place: .member(place, name))
    }

    /// Refuses every member that is not among `names`.
    func allow(_ names: [String]) throws(Failure) {
        guard let object = value.object else { throw wrongType("an object") }
        for (name, value) in object.members where !value.isNull && !names.contains(name) {
            throw RequestNode(value: value, place: .member(place, name)).unknown()
        }
    }

    private func wrongType(_ expected: String) -> Failure {
        let name = place.parameter.map { "'\($0)'" } ?? "The request"
        return invalid("Invalid type: \(name) must be \(expected).")
    }
}
