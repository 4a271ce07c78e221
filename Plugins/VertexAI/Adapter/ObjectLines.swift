import GantryPlugin

/// Reads an object line by line, in ranges of a few megabytes.
struct ObjectLines {
    /// What comes next in an object.
    enum Line {
        /// A line without its end.
        case bytes([UInt8])
        /// A line over ``lengthLimit``, of which nothing is kept.
        case tooLong
    }

    static let lengthLimit = 32 << 20
    private static let rangeSize: Int64 = 4 << 20
    /// How much may be handed out before other operations get their turn.
    private static let turnSize = 256 << 10

    private let storage: CloudStorage
    private let object: StoredObject
    private let size: Int64
    private let generation: String
    /// How much has been read.
    private var offset: Int64 = 0
    private var piece: [UInt8] = []
    /// Where the next line begins in the piece.
    private var position = 0
    private var rest: [UInt8] = []
    private var isSkipping = false
    private var handedOut = 0

    /// Reads an object that a list has shown.
    init(_ listed: CloudStorage.ListedObject, storage: CloudStorage) throws(Failure) {
        self.storage = storage
        object = try StoredObject(listed: listed.name, settings: storage.settings)
        size = listed.size
        generation = listed.generation
    }

    /// The next line that is not blank; nil at the end.
    nonisolated(nonsending) mutating func next() async throws(Failure) -> Line? {
        while true {
            if let end = piece[position...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = taken(upTo: end)
                position = end + 1
                if let line { return try await handOut(line) }
                continue
            }
            keep(piece[position...])
            position = 0
            guard offset < size else {
                piece = []
                return taken(upTo: nil)
            }
            let range = offset..<min(size, offset + Self.rangeSize)
            piece = try await read(range)
            offset = range.upperBound
        }
    }

    /// The line that ends there, or nil where it is blank; with nil what is left at the end of the object.
    private mutating func taken(upTo end: Int?) -> Line? {
        if let end { keep(piece[position..<end]) }
        defer {
            rest = []
            isSkipping = false
        }
        if isSkipping { return .tooLong }
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        return rest.isEmpty ? nil : .bytes(rest)
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        guard !isSkipping, rest.count + bytes.count <= Self.lengthLimit else {
            isSkipping = true
            rest = []
            return
        }
        rest.append(contentsOf: bytes)
    }

    /// Lets others have their turn now and then: what is read at once is worked on at once otherwise.
    private nonisolated(nonsending) mutating func handOut(_ line: Line) async throws(Failure) -> Line {
        if case .bytes(let bytes) = line { handedOut += bytes.count }
        if handedOut > Self.turnSize {
            handedOut = 0
            try await storage.operation.wait(milliseconds: 1)
        }
        return line
    }

    /// Reads a range, again after a passing failure.
    private nonisolated(nonsending) func read(_ range: Range<Int64>) async throws(Failure) -> [UInt8] {
        for pause: UInt64 in [500, 1500, 4500] {
            do throws(Failure) {
                return try await storage.bytes(of: object, range, generation: generation)
            } catch {
                guard error.isRetryable else { throw error }
                try await storage.operation.wait(milliseconds: max(pause, min(error.retryAfterMilliseconds, 60000)))
            }
        }
        return try await storage.bytes(of: object, range, generation: generation)
    }
}
