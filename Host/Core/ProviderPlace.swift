/// One place of a request where something is named that a provider keeps and that is no file.
package struct ProviderPlace: Hashable, Sendable {
    /// What is named.
    package enum Kind: Sendable {
        /// A response that the new one follows: the gateway manages those.
        case previousResponse
        case conversation
        /// An item of some earlier response or conversation.
        case item
        case vectorStore
        case container
    }

    package let kind: Kind
    /// Byte offsets of the value, quotes included.
    package let range: Range<Int>
    /// The decoded value.
    package let text: String
    /// Where it stands, as of a ``FilePlace``.
    package let path: String

    /// Makes a place.
    package init(_ kind: Kind, range: Range<Int>, text: String, path: String) {
        self.kind = kind
        self.range = range
        self.text = text
        self.path = path
    }
}

extension [ProviderPlace] {
    /// Reads the response that a request follows; nil if there is none, or only the provider can know it.
    ///
    /// What the gateway does not manage is refused, unless the key may use providers' own ids; then it stays as it is.
    ///
    /// - Throws: ``RuleError`` with `.unsupported` or `.responseNotFound`; the parameter is the place's path.
    package func previousResponse(
        codec: ObjectIDCodec,
        for principal: Principal
    ) throws(RuleError) -> ResponseReference? {
        var found: ResponseReference?
        for place in self {
            if place.kind == .previousResponse, let id = codec.id(.response, in: place.text) {
                found = ResponseReference(range: place.range, id: id, clientID: place.text)
            } else if !principal.allowsRawFileIDs {
                throw place.refusal
            }
        }
        return found
    }
}

/// The place of a request that names the managed response which it follows.
package struct ResponseReference: Hashable, Sendable {
    /// The whole JSON value with its quotes, in bytes of the body.
    package let range: Range<Int>
    package let id: ObjectID
    /// The id as the client wrote it.
    package let clientID: String

    /// Makes a reference.
    package init(range: Range<Int>, id: ObjectID, clientID: String) {
        self.range = range
        self.id = id
        self.clientID = clientID
    }
}

extension ProviderPlace {
    /// The error for a place that names nothing of the gateway's.
    package var refusal: RuleError {
        let what: String
        switch kind {
        case .previousResponse:
            return RuleError(.responseNotFound, "No such response: \(text)", parameter: path)
        case .conversation:
            what = "a conversation. Continue a response with previous_response_id, or send all of its items"
        case .item: what = "an item of an earlier answer. Send the item itself, or previous_response_id"
        case .vectorStore: what = "a vector store. Name the files themselves in the request"
        case .container: what = "a container. Have a new one made with {\"type\": \"auto\"}"
        }
        return RuleError(
            .unsupported,
            "\(path) names what a provider keeps and this gateway does not manage: \(what).",
            parameter: path
        )
    }
}
