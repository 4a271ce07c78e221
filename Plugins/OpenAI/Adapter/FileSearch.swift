import GantryPlugin

/// Looks for the file that an upload has made whose answer nobody has seen.
///
/// OpenAI has no name for a file but its id, so what is known of it is compared: name, length, purpose and time.
struct FileSearch {
    private let upload: FileUpload
    private let since: Int64
    private let until: Int64

    /// Reads the upload's input and the moments between which it was made; nil for the input of a plain list.
    init?(_ input: JSON, purposes: [String: String] = [:]) throws(Failure) {
        guard let like = input["like"] else { return nil }
        upload = try FileUpload(like, purposes: purposes)
        guard let since = input["since"]?.integer, let until = input["until"]?.integer else {
            throw Failure(.internalError, "The host does not say when the file was made.")
        }
        self.since = since
        self.until = until
    }

    /// The result: of a page of files, newest first, those that fit.
    func page(_ answer: JSON) throws(Failure) -> JSON {
        try Responses.matches(in: answer, since: since, where: fits)
    }

    private func fits(_ file: JSON) -> Bool {
        guard let created = file["created_at"]?.integer, (since...until).contains(created) else { return false }
        let names = [upload.filename, Wire.formName(upload.filename)]
        return file["bytes"]?.integer == upload.bytes && file["purpose"]?.string == upload.purpose
            && file["filename"]?.string.map(names.contains) ?? false
    }
}
