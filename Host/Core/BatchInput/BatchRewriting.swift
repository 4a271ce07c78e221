/// Puts a deployment's names into the lines of a batch's input; whatever else stands there stays as it is, byte for byte.
package struct BatchRewriting: Sendable {
    /// The provider's name of the model, as a JSON string with its quotes.
    let model: [UInt8]
    /// The provider's id of each file, likewise, by what the lines call it; others stay.
    let files: [String: [UInt8]]

    /// Makes a rewriting.
    ///
    /// - Parameters:
    ///   - model: The deployment's name of the model at its provider.
    ///   - files: The provider's ids of the deployment's copies, by what the lines call the files.
    package init(model: String, files: [String: String]) {
        self.model = Self.literal(model)
        self.files = files.mapValues(Self.literal)
    }

    /// Appends a line with its places rewritten.
    ///
    /// - Parameters:
    ///   - bytes: The line with its end, if it has one; lent for this call.
    ///   - output: Whatever stands there already stays.
    /// - Throws: As ``BatchLine/init(_:)``, for a line that no ``BatchInputReader`` let pass.
    package func append(_ bytes: UnsafeRawBufferPointer, to output: inout [UInt8]) throws(RuleError) {
        guard !bytes.isBlankLine else { return output.append(contentsOf: bytes) }
        let line = try BatchLine(bytes, withPaths: false)
        var position = 0
        var model: Range<Int>? = line.modelRange
        func copy(upTo end: Int) {
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[position..<end]))
        }
        func put(_ literal: [UInt8], at range: Range<Int>) {
            copy(upTo: range.lowerBound)
            output.append(contentsOf: literal)
            position = range.upperBound
        }
        for place in line.files {
            if let range = model, range.lowerBound < place.range.lowerBound {
                put(self.model, at: range)
                model = nil
            }
            if let id = files[place.text] { put(id, at: place.range) }
        }
        if let model { put(self.model, at: model) }
        copy(upTo: bytes.count)
    }

    // RFC 8259 §7: a quote, a backslash and control characters have to be escaped.
    private static func literal(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case ..<0x20: bytes += Array("\\u00\([byte].hexadecimal)".utf8)
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        return bytes
    }
}
