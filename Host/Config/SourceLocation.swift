/// A place in a configuration file, for errors and warnings.
package struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    /// The file as it was named to the loader.
    package let file: String
    /// The line, from 1; 0 for the file as a whole.
    package let line: Int
    /// The path to the value, such as `model_list[0].litellm_params.model`; empty for the file as a whole.
    package let key: String

    // Longer paths are cut, so that a hostile file cannot make its own size a thousandfold.
    private static let longestKey = 240

    /// Makes a location.
    package init(file: String, line: Int = 0, key: String = "") {
        self.file = file
        self.line = line
        self.key = key
    }

    /// `config.yaml:12: model_list[0].litellm_params.model`, on one line.
    package var description: String {
        let place = file.onOneLine(limit: 200) + (line > 0 ? ":\(line)" : "")
        return key.isEmpty ? place : "\(place): \(key)"
    }

    /// A key as messages show it: up to the first character that names do not have.
    ///
    /// `{api_key:value}` without a blank is YAML for a key `api_key:value`, and the value no message's business.
    static func shown(key: String) -> String {
        let isInName: (Unicode.Scalar) -> Bool = {
            $0.properties.isAlphabetic || "0123456789_-./<".unicodeScalars.contains($0)
        }
        let name = String(String.UnicodeScalarView(key.unicodeScalars.prefix(while: isInName)))
        return name.onOneLine(limit: 60) + (name.unicodeScalars.count < key.unicodeScalars.count ? "…" : "")
    }

    /// The place of an entry of the mapping that stands here.
    func appending(key name: String, line: Int) -> SourceLocation {
        extended(by: (key.isEmpty ? "" : ".") + Self.shown(key: name), line: line)
    }

    /// The place of an item of the list that stands here.
    func appending(index: Int, line: Int) -> SourceLocation { extended(by: "[\(index)]", line: line) }

    private func extended(by step: String, line: Int) -> SourceLocation {
        let path = key.utf8.count > Self.longestKey ? key : key + step
        return SourceLocation(file: file, line: line, key: path)
    }
}
