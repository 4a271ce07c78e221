/// One thing that a provider's API can do, in the words of a manifest's `operations`.
///
/// A word with a dot is one operation; the part before the dot, such as `files`, stands for all of that area.
package enum ProviderOperation: String, Hashable, Sendable, CaseIterable {
    case chat
    case embeddings
    case models
    case responsesCreate = "responses.create"
    case responsesRetrieve = "responses.retrieve"
    case responsesDelete = "responses.delete"
    case responsesCancel = "responses.cancel"
    case responsesInputItems = "responses.input_items"
    case filesCreate = "files.create"
    case filesRetrieve = "files.retrieve"
    case filesDelete = "files.delete"
    case filesList = "files.list"
    case filesContent = "files.content"
    case batchesCreate = "batches.create"
    case batchesRetrieve = "batches.retrieve"
    case batchesCancel = "batches.cancel"
    case batchesList = "batches.list"
    case fineTuningCreate = "fine_tuning.create"
    case fineTuningRetrieve = "fine_tuning.retrieve"
    case fineTuningCancel = "fine_tuning.cancel"
    case fineTuningList = "fine_tuning.list"
    case fineTuningEvents = "fine_tuning.events"
    case fineTuningCheckpoints = "fine_tuning.checkpoints"
    case fineTuningPause = "fine_tuning.pause"
    case fineTuningResume = "fine_tuning.resume"

    /// The operations that a word stands for, in the order of the cases; none if nobody knows the word.
    package static func named(_ word: String) -> [ProviderOperation] {
        allCases.filter { $0.rawValue == word || $0.area == word }
    }

    /// Every word, those of whole areas first.
    package static var words: [String] {
        var areas: [String] = []
        for case let area? in allCases.map(\.area) where !areas.contains(area) { areas.append(area) }
        return allCases.filter { $0.area == nil }.map(\.rawValue) + areas
            + allCases.filter { $0.area != nil }.map(\.rawValue)
    }

    /// What has to be there as well, or the gateway could not use it or not clean up after it.
    package var needed: [ProviderOperation] {
        switch self {
        case .chat, .embeddings, .models, .responsesCreate: []
        case .responsesRetrieve: [.responsesCreate, .responsesDelete]
        case .responsesDelete, .responsesCancel, .responsesInputItems: [.responsesCreate, .responsesRetrieve]
        case .filesCreate: [.filesDelete]
        case .filesRetrieve, .filesDelete, .filesList, .filesContent: [.filesCreate]
        case .batchesCreate: [.batchesRetrieve, .batchesCancel, .filesCreate, .filesContent]
        case .batchesRetrieve, .batchesCancel, .batchesList: [.batchesCreate]
        case .fineTuningCreate: [.fineTuningRetrieve, .fineTuningCancel, .filesCreate]
        case .fineTuningRetrieve, .fineTuningCancel, .fineTuningList, .fineTuningEvents, .fineTuningCheckpoints,
            .fineTuningPause, .fineTuningResume:
            [.fineTuningCreate]
        }
    }

    /// The word for all of its area; nil for an operation that is an area of its own.
    private var area: String? {
        rawValue.firstIndex(of: ".").map { String(rawValue[..<$0]) }
    }
}
