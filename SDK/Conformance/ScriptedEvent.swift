import CGantryPlugin

/// A place in an input that the host has resolved.
package struct ScriptedReference: Equatable, Sendable {
    /// `GANTRY_REF_*`.
    package var kind: UInt32
    package var offset: UInt64
    package var length: UInt64
    package var clientID: String
    package var upstreamID: String
    package var mimeType = ""
    package var filename = ""
}

/// A header of an answer.
package struct ScriptedHeader: Equatable, Sendable {
    package var name: String
    package var value: String

    /// Makes a header.
    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// An event as a value.
struct ScriptedEvent {
    var kind: UInt32
    var flags: UInt32 = 0
    var request: UInt32 = 0
    var code: Int32 = 0
    var value: UInt64 = 0
    var data: [UInt8] = []
    var text = ""
    var headers: [ScriptedHeader] = []
    var references: [ScriptedReference] = []
    /// How many bytes the event claims; nil for as many as this host knows.
    var size: Int?

    init(_ kind: Int) { self.kind = UInt32(kind) }

    private static let names: [Int: String] = [
        GANTRY_EV_START: "START", GANTRY_EV_HEAD: "HEAD", GANTRY_EV_DATA: "DATA", GANTRY_EV_END: "END",
        GANTRY_EV_FAILED: "FAILED", GANTRY_EV_TIMER: "TIMER", GANTRY_EV_TOKEN: "TOKEN", GANTRY_EV_SOURCE: "SOURCE",
        GANTRY_EV_SOURCE_END: "SOURCE_END", GANTRY_EV_CANCEL: "CANCEL",
    ]

    /// The kind in words.
    var name: String { Self.names[Int(kind)] ?? "event \(kind)" }

    func hasKind(_ kind: Int) -> Bool { Int(self.kind) == kind }

    /// Whether it belongs to a request.
    var belongsToRequest: Bool {
        hasKind(GANTRY_EV_HEAD) || hasKind(GANTRY_EV_DATA) || hasKind(GANTRY_EV_END) || hasKind(GANTRY_EV_FAILED)
    }
}
