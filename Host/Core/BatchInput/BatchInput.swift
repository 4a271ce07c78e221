/// What a batch's input file says as a whole, after every line of it has been read.
package struct BatchInput: Sendable {
    /// A file that requests of the batch name.
    package struct NamedFile: Sendable {
        /// As it stands in the lines, escapes resolved.
        package let text: String
        /// The first line that names it, counted from 1.
        package let line: Int
        /// The place in that line.
        package let path: String
        /// Its places in the whole file.
        package private(set) var places = 0
        /// The bytes of these places, quotes included.
        package private(set) var placeBytes: Int64 = 0

        init(text: String, line: Int, path: String) {
            self.text = text
            self.line = line
            self.path = path
        }

        mutating func note(_ place: FilePlace) {
            places += 1
            placeBytes += Int64(place.range.count)
        }
    }

    /// What all requests are for, such as `/v1/chat/completions`.
    package let endpoint: String
    /// What all requests call the model.
    package let model: String
    /// The line of the first request, counted from 1.
    package let firstLine: Int
    /// How many there are.
    package let requests: Int
    /// The whole file.
    package let sizeInBytes: Int64
    /// The values of all models, quotes included.
    package let modelBytes: Int64
    /// Each file once, in the order of the text.
    package let files: [NamedFile]

    /// The size of the file, in bytes, after its places are rewritten.
    package func size(after rewriting: BatchRewriting) -> Int64 {
        var size = sizeInBytes - modelBytes + Int64(requests) * Int64(rewriting.model.count)
        for file in files {
            guard let id = rewriting.files[file.text] else { continue }
            size += Int64(file.places) * Int64(id.count) - file.placeBytes
        }
        return size
    }
}
