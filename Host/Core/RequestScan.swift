/// What the gateway needs to know of a JSON request, as places in the client's own bytes.
package struct RequestScan: Sendable {
    /// The decoded value of the top-level `model`; nil if there is none.
    package internal(set) var model: String?
    /// Where the value of `model` stands, quotes included.
    package internal(set) var modelRange: Range<Int>?
    /// The top-level `stream`; nil if it is absent or null.
    package internal(set) var stream: Bool?
    /// `stream_options.include_usage`; nil if it is absent or null.
    package internal(set) var includeUsage: Bool?
    /// Every place that names a file, in the order of the text.
    package internal(set) var ids: [FilePlace]
    /// At most two places that name something else which a provider keeps: the response that this one follows, and the
    /// first thing that the gateway does not manage.
    package internal(set) var others: [ProviderPlace] {
        get { rare?.others ?? [] }
        set { rare = newValue.isEmpty ? nil : Rare(others: newValue) }
    }
    /// What few requests have: an empty list that every scan holds would cost as much as a name.
    private var rare: Rare?
    /// The offset of the opening brace of the request.
    package internal(set) var objectStart: Int

    /// Makes the result of a scan.
    package init(
        model: String? = nil,
        modelRange: Range<Int>? = nil,
        stream: Bool? = nil,
        includeUsage: Bool? = nil,
        ids: [FilePlace] = [],
        others: [ProviderPlace] = [],
        objectStart: Int = 0
    ) {
        self.model = model
        self.modelRange = modelRange
        self.stream = stream
        self.includeUsage = includeUsage
        self.ids = ids
        self.objectStart = objectStart
        self.others = others
    }

    private final class Rare: Sendable {
        let others: [ProviderPlace]

        init(others: [ProviderPlace]) { self.others = others }
    }
}

/// One place of a request where a file is named.
package struct FilePlace: Hashable, Sendable {
    /// Byte offsets of the value, quotes included.
    package let range: Range<Int>
    /// The decoded value.
    package let text: String
    /// Where it stands, such as `messages.[0].content.[1].file.file_id`; cut after 256 bytes.
    package let path: String

    /// Makes a place.
    package init(range: Range<Int>, text: String, path: String) {
        self.range = range
        self.text = text
        self.path = path
    }
}
