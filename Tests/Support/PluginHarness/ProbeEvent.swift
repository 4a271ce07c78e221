import GantryPlugin

/// An event for an operation, as a value.
package struct ProbeEvent: Sendable {
    /// `GANTRY_EV_*`.
    package var kind: UInt32
    /// `GANTRY_IN_*` of START.
    package var flags: UInt32 = 0
    /// The request it belongs to; nil for the one that is outstanding.
    package var request: UInt32? = 0
    /// The HTTP status, or the class of a failure.
    package var code: Int32 = 0
    /// The source's length.
    package var value: UInt64 = 0
    /// The data.
    package var data: [UInt8] = []
    /// The text.
    package var text = ""
    /// The headers.
    package var headers: [(String, String)] = []
    /// What the host has found in the data.
    package var references: [Reference] = []
    /// How many bytes of the event the host claims to know; nil for all.
    package var size: UInt32?

    /// Makes an event of any kind, also one that no version knows.
    package init(kind: UInt32) { self.kind = kind }

    /// START.
    package static func start(
        input: [UInt8],
        references: [Reference] = [],
        streaming: Bool = false,
        sourceLength: UInt64? = nil,
        requestID: String = "req-1"
    ) -> ProbeEvent {
        var event = ProbeEvent(kind: 1)
        event.flags = streaming ? 1 : 0
        event.value = sourceLength ?? .max
        event.data = input
        event.text = requestID
        event.references = references
        return event
    }

    /// HEAD of the outstanding request.
    package static func head(_ status: Int32, _ headers: [(String, String)] = []) -> ProbeEvent {
        var event = ProbeEvent(kind: 2)
        event.request = nil
        event.code = status
        event.headers = headers
        return event
    }

    /// DATA of the outstanding request.
    package static func data(_ bytes: [UInt8], event name: String = "") -> ProbeEvent {
        var event = ProbeEvent(kind: 3)
        event.request = nil
        event.data = bytes
        event.text = name
        return event
    }

    /// END of the outstanding request.
    package static var end: ProbeEvent {
        var event = ProbeEvent(kind: 4)
        event.request = nil
        return event
    }

    /// FAILED of the outstanding request, with a `GANTRY_NET_*`.
    package static func failed(_ code: Int32, _ detail: String = "") -> ProbeEvent {
        var event = ProbeEvent(kind: 5)
        event.request = nil
        event.code = code
        event.text = detail
        return event
    }

    /// TIMER.
    package static var timer: ProbeEvent { ProbeEvent(kind: 6) }

    /// TOKEN with a credential.
    package static func token(_ token: String) -> ProbeEvent {
        var event = ProbeEvent(kind: 7)
        event.data = Array(token.utf8)
        return event
    }

    /// TOKEN with a failure.
    package static func tokenFailed(_ reason: FailureReason, _ message: String) -> ProbeEvent {
        var event = ProbeEvent(kind: 7)
        event.code = reason.rawValue
        event.text = message
        return event
    }

    /// SOURCE.
    package static func source(_ line: SourceLine) -> ProbeEvent {
        var event = ProbeEvent(kind: 8)
        event.data = line.bytes
        event.references = line.references
        return event
    }

    /// SOURCE_END.
    package static var sourceEnd: ProbeEvent { ProbeEvent(kind: 9) }

    /// CANCEL.
    package static var cancel: ProbeEvent { ProbeEvent(kind: 10) }
}
