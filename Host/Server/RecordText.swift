import FoundationEssentials
import HostCore
import HostRegistry

/// Values of users, keys and teams as they stand in bodies.
enum RecordText {
    /// Metadata is kept as the JSON object it came as.
    static func metadata(_ value: ConfigurationValue?) throws -> String? {
        guard let value else { return nil }
        guard case .map = value else {
            throw RuleError(.invalidRequest, "metadata must be an object.", parameter: "metadata")
        }
        return String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }

    /// The object that metadata is shown as.
    static func metadata(shown text: String?) throws -> ConfigurationValue {
        guard let text else { return .map([:]) }
        return try JSONDecoder().decode(ConfigurationValue.self, from: Data(text.utf8))
    }

    /// One of a few words.
    static func word<Word: RawRepresentable & CaseIterable>(
        _ text: String?,
        _: Word.Type,
        parameter: String
    ) throws -> Word? where Word.RawValue == String {
        guard let text else { return nil }
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw RuleError(.invalidRequest, "\(parameter) must be one of \(known).", parameter: parameter)
        }
        return word
    }

    /// When a key ends, said as a `duration` from now or as the moment `expires`; a duration of `-1` stands for never.
    static func expiry(duration: String?, expires: String?) throws -> KeyExpiry? {
        switch (duration, expires) {
        case (nil, nil): return nil
        case ("-1"?, nil): return .never
        case (let duration?, nil): return .after(try LifetimeText.parse(duration))
        case (nil, let expires?): return .at(try moment(expires))
        case (_?, _?):
            throw RuleError(.invalidRequest, "Say either duration or expires, not both.", parameter: "expires")
        }
    }

    private static func moment(_ text: String) throws -> UnixTime {
        let formats = [false, true].map { Date.ISO8601FormatStyle(includingFractionalSeconds: $0) }
        let found = formats.lazy.compactMap { format in Result { try format.parse(text) }.value }.first
        guard let seconds = found?.timeIntervalSince1970, abs(seconds) < Double(Int32.max) * 100 else {
            throw RuleError(
                .invalidRequest,
                "expires must be a moment such as 2030-01-31T12:00:00Z.",
                parameter: "expires"
            )
        }
        return UnixTime(secondsSince1970: Int64(seconds.rounded(.down)))
    }
}

extension Result {
    fileprivate var value: Success? {
        switch self {
        case .success(let value): value
        case .failure: nil
        }
    }
}

extension UnixTime {
    /// RFC 3339, UTC.
    var text: String { Date(timeIntervalSince1970: TimeInterval(secondsSince1970)).formatted(.iso8601) }
}
