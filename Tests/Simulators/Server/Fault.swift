import HTTPTypes

/// The simulator itself ends the connection.
struct ConnectionCut: Error {}

/// What shall go wrong, and with which requests.
struct Fault: Sendable {
    /// Which requests; a nil member matches all.
    struct Filter: Sendable {
        var provider: Provider?
        var method: String?
        var pathPrefix: String?
        var pathContains: String?
        var account: String?
    }

    var filter = Filter()
    /// Requests to let pass first.
    var skip = 0
    /// Requests to fail after that; 0 for all.
    var times = 1

    var status: Int?
    var headers: HTTPFields = [:]
    var body: JSON?
    /// Wait before anything is done, until `POST /_sim/release`.
    var isHeld = false
    /// Wait before anything is done.
    var delay: Duration?
    /// Close the connection after this many bytes of the answer's body.
    var cutAfterBytes: Int?
    /// Close the connection after this many bytes of the request's body.
    var cutRequestAfterBytes: Int?
    var closesBeforeAnswer = false
    var slowBytesPerSecond: Int?
    /// Wait before each event of a stream but the first.
    var eventDelay: Duration?
    /// Put this event into a stream, after two others, and end it.
    var errorEvent: JSON?
    var neverAnswers = false
    var breaksChunking = false
    /// Do what was asked, then fail.
    var comesAfterEffect = false
    /// Fail without reading the request's body.
    var comesEarly = false
    /// Fail when this many bytes of the request's body have come, without reading the rest.
    var comesAfterBytes: Int?

    /// Whether the client is kept from the operation's own answer.
    var replacesAnswer: Bool { status != nil || closesBeforeAnswer || neverAnswers }
}
