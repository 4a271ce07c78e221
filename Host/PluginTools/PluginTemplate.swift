import CGantryTemplates
import Foundation

/// A small working plugin to begin with: chat completions of a server that speaks OpenAI's wire format.
package struct PluginTemplate: Sendable {
    /// The languages that there is such a plugin for.
    package enum Language: String, CaseIterable, Sendable {
        case c
        case swift
        case rust
    }

    /// One file of the plugin's folder.
    package struct File: Sendable {
        /// Relative to the folder.
        package let path: String
        package let bytes: [UInt8]

        /// Whether it is a script.
        package var isExecutable: Bool { path.hasSuffix(".sh") }
    }

    private static let longestName = 32

    /// In no order.
    package let files: [File]

    /// Makes a plugin's files.
    ///
    /// - Parameters:
    ///   - language: What it is written in.
    ///   - name: Its id and its provider: 1 to 32 of `a-z`, `0-9`, `_` and `-`, a letter first.
    /// - Throws: ``ToolError`` with `.usage` for another name.
    package init(_ language: Language, name: String) throws(ToolError) {
        let isLetter: (UInt8) -> Bool = { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 }
        guard (1...Self.longestName).contains(name.utf8.count), name.utf8.first.map(isLetter) == true,
            name.utf8.allSatisfy({ isLetter($0) || "0123456789_-".utf8.contains($0) })
        else {
            throw ToolError(
                .usage,
                "\(name.debugDescription): a plugin's name is 1 to \(Self.longestName) lower-case letters, digits, _ "
                    + "and -, a letter first."
            )
        }
        let words = name.split { $0 == "_" || $0 == "-" }
        let replacements = [
            ("acme", name),
            ("ACME", name.uppercased().replacing("-", with: "_")),
            ("Acme", words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()),
        ]
        let adapted: (String) -> String = { text in
            replacements.reduce(text) { $0.replacing($1.0, with: $1.1) }
        }
        let prefix = "\(language.rawValue)/"
        files = Self.embedded.filter { $0.path.hasPrefix(prefix) }.map { file in
            let path = String(file.path.dropFirst(prefix.count))
            // The SDK and the ABI are the same for everybody.
            let isShared = path.hasPrefix("SDK/") || path == "gantry_plugin.h"
            let bytes = isShared ? file.bytes : Array(adapted(String(decoding: file.bytes, as: UTF8.self)).utf8)
            return File(path: isShared ? path : adapted(path), bytes: bytes)
        }
    }

    /// Every embedded file, its language as the first folder of its path.
    static var embedded: [File] {
        var files: [File] = []
        var row = gantry_templates()
        while let file = row?.pointee, let path = file.path {
            let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.length))
            files.append(File(path: String(cString: path), bytes: bytes))
            row = row?.advanced(by: 1)
        }
        return files
    }

    /// Writes the files into a folder that does not exist yet or is empty.
    ///
    /// They are writable by this user alone, as the gateway wants them.
    ///
    /// - Parameter directory: The folder.
    /// - Throws: ``ToolError`` with `.file`.
    package func write(to directory: String) throws(ToolError) {
        let manager = FileManager.default
        do {
            if manager.fileExists(atPath: directory), try !manager.contentsOfDirectory(atPath: directory).isEmpty {
                throw ToolError(.file, "\(directory): something is in there already. Name another --directory.")
            }
            for folder in Self.folders(of: files.map(\.path)) {
                let path = folder.isEmpty ? directory : "\(directory)/\(folder)"
                try manager.createDirectory(atPath: path, withIntermediateDirectories: true)
                // Whatever the umask lets others do.
                try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }
            for file in files {
                let path = "\(directory)/\(file.path)"
                try Data(file.bytes).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
                let mode = file.isExecutable ? 0o755 : 0o644
                try manager.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            }
        } catch let error as ToolError {
            throw error
        } catch {
            throw ToolError(.file, "\(directory): the plugin cannot be written there: \(error.localizedDescription)")
        }
    }

    /// The folders of some files, each after the one that it is in; first the one that all are in, whose path is empty.
    private static func folders(of paths: [String]) -> [String] {
        var folders: Set<String> = [""]
        for path in paths {
            for end in path.indices where path[end] == "/" { folders.insert(String(path[..<end])) }
        }
        return folders.sorted()
    }
}
