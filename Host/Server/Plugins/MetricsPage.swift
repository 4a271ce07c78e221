import NIOCore

/// A page in Prometheus' text format, version 0.0.4.
///
/// Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>, read 2026-11-23.
struct MetricsPage {
    /// What a family of metrics is.
    enum Kind: String {
        case counter, gauge, histogram
    }

    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var bytes = ByteBuffer()

    /// Begins a family; its samples follow, and no other family's between them.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        bytes.writeString("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n")
    }

    /// Writes one sample.
    mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        bytes.writeString(name)
        bytes.writeString(labels.isEmpty ? " " : "{")
        for (index, label) in labels.enumerated() {
            bytes.writeString("\(index == 0 ? "" : ",")\(label.0)=\"")
            write(escaped: label.1)
            bytes.writeString("\"")
        }
        bytes.writeString(labels.isEmpty ? "\(value)\n" : "} \(value)\n")
    }

    /// A backslash, a quote and a line's end would end the value, or the line.
    private mutating func write(escaped text: String) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.writeString("\\\\")
            case UInt8(ascii: "\""): bytes.writeString("\\\"")
            case UInt8(ascii: "\n"): bytes.writeString("\\n")
            default: bytes.writeInteger(byte)
            }
        }
    }
}
