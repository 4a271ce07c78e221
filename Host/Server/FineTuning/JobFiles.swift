import HostCore

/// What a job's provider calls the files that it learns from; kept with the job and never shown.
struct JobFiles: Sendable {
    private static let member = "provider_files"

    let training: String?
    let validation: String?

    init(training: String?, validation: String?) {
        self.training = training
        self.validation = validation
    }

    /// Reads what is kept.
    init(_ document: ObjectDocument) {
        guard case .map(let files) = document[Self.member] else {
            (training, validation) = (nil, nil)
            return
        }
        let kept = ObjectDocument(files)
        (training, validation) = (kept.text("training"), kept.text("validation"))
    }

    /// Has the files kept.
    func keep(in document: inout ObjectDocument) {
        let texts = ["training": training, "validation": validation].compactMapValues { $0 }
        document.members[Self.member] = .map(texts.mapValues { .string($0) })
    }
}
