import HTTPTypes

extension Fault {
    private static let shape = Shape.record([
        "provider": .choice(["openai", "google"]), "method": .string, "path_prefix": .string, "path_contains": .string,
        "account": .string, "skip": .integer, "times": .integer, "status": .integer, "headers": .map(.string),
        "body": .any, "hold": .bool, "delay_ms": .integer, "cut_after_bytes": .integer,
        "cut_request_after_bytes": .integer,
        "close_before_answer": .bool, "slow_bytes_per_second": .integer, "event_delay_ms": .integer,
        "error_event": .any, "never_answer": .bool, "break_chunking": .bool, "after_effect": .bool, "early": .bool,
        "early_after_bytes": .integer,
    ])

    /// Reads what `POST /_sim/faults` was sent; a member it does not know is refused.
    init(_ json: JSON) throws(ShapeError) {
        let json = try ShapeReader(acceptsSnakeCase: false).read(json, as: Self.shape)
        filter.provider = json["provider"]?.string.flatMap(Provider.init(rawValue:))
        filter.method = json["method"]?.string
        filter.pathPrefix = json["path_prefix"]?.string
        filter.pathContains = json["path_contains"]?.string
        filter.account = json["account"]?.string
        skip = json["skip"]?.integer ?? 0
        times = json["times"]?.integer ?? 1
        status = json["status"]?.integer
        if let status, !(200...599).contains(status) {
            let reason = ShapeError.Reason.wrongChoice(expected: ["200 to 599"], value: String(status))
            throw ShapeError(reason: reason, path: "status")
        }
        for member in json["headers"]?.object?.members ?? [] {
            headers.set(member.key, member.value.string ?? "")
        }
        body = json["body"]
        isHeld = json["hold"]?.bool ?? false
        delay = json["delay_ms"]?.integer.map { .milliseconds($0) }
        cutAfterBytes = json["cut_after_bytes"]?.integer
        cutRequestAfterBytes = json["cut_request_after_bytes"]?.integer
        closesBeforeAnswer = json["close_before_answer"]?.bool ?? false
        slowBytesPerSecond = json["slow_bytes_per_second"]?.integer
        eventDelay = json["event_delay_ms"]?.integer.map { .milliseconds($0) }
        errorEvent = json["error_event"]
        neverAnswers = json["never_answer"]?.bool ?? false
        breaksChunking = json["break_chunking"]?.bool ?? false
        comesAfterEffect = json["after_effect"]?.bool ?? false
        comesEarly = json["early"]?.bool ?? false
        comesAfterBytes = json["early_after_bytes"]?.integer
    }
}
