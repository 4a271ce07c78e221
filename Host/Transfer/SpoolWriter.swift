import HostCore
import NIOCore
import Synchronization

/// Takes the bytes of one upload, in order, and puts them on disk.
///
/// While one block of 1 MiB is hashed and written on the thread pool, the next one fills: whoever is faster than the
/// disk is made to wait, and no more than two blocks are kept. There is one caller: a call begins when the last
/// one has returned.
package final class SpoolWriter: Sendable {
    /// How many bytes are gathered for one write.
    static let blockSize = 1 << 20

    /// What an upload holds until it has ended.
    private struct Medium {
        let tape: SpoolTape
        let reservation: SpoolReservation
    }

    private struct State {
        var medium: Medium?
        var filling = SpoolBlock()
        var inFlight: PendingWrite?
        var sizeInBytes: Int64 = 0
    }

    /// A block that is ready, and the write that must end before it begins.
    private struct Turn {
        let block: SpoolBlock
        let tape: SpoolTape
        let previous: PendingWrite?
    }

    private let maximumBytes: Int64
    private let parameter: String
    private let state: Mutex<State>

    init(maximumBytes: Int64, parameter: String = "file", tape: SpoolTape, reservation: SpoolReservation) {
        self.maximumBytes = maximumBytes
        self.parameter = parameter
        state = Mutex(State(medium: Medium(tape: tape, reservation: reservation)))
    }

    /// Takes the next bytes; suspends only when the disk is slower.
    ///
    /// - Throws: ``RuleError`` with `.tooLarge`, the parameter being the file's; ``SpoolError``. After that only
    ///   ``discard()`` helps.
    package nonisolated(nonsending) func write(_ bytes: ByteBuffer) async throws {
        try reserve(bytes.readableBytes)
        var rest = bytes
        while rest.readableBytes > 0 {
            if let turn = try fill(from: &rest) { try await take(turn) }
        }
    }

    /// Writes what is left and ends the upload.
    ///
    /// - Throws: ``SpoolError``.
    package nonisolated(nonsending) func finish() async throws -> SpooledFile {
        if let turn = try lastTurn() { try await take(turn) }
        try await state.withLock { $0.inFlight.take() }?.value()
        let (medium, size) = state.withLock { ($0.medium.take(), $0.sizeInBytes) }
        guard let medium else { throw Self.ended }
        try medium.reservation.set(size)
        return SpooledFile(
            sizeInBytes: size,
            sha256: medium.tape.sha256,
            storage: medium.tape.storage,
            reservation: medium.reservation
        )
    }

    /// Throws away what has been written; more than once, or after ``finish()``, it does nothing.
    package func discard() {
        let medium = state.withLock { state in
            state.filling = SpoolBlock()
            state.inFlight = nil
            return state.medium.take()
        }
        medium?.tape.abandon()
    }

    /// The file, for those who read it while it is written.
    ///
    /// All but its last bytes can be read as they come, and those when it is known to be complete.
    ///
    /// - Parameter sizeInBytes: What it will have in the end.
    /// - Returns: The file, which is abandoned if the upload is discarded.
    /// - Throws: ``SpoolError`` if the upload has ended.
    package func growingFile(toward sizeInBytes: Int64) throws(SpoolError) -> GrowingFile {
        guard let medium = state.withLock({ $0.medium }) else { throw Self.ended }
        return medium.tape.growingFile(toward: sizeInBytes)
    }

    private func reserve(_ count: Int) throws {
        try state.withLock { state in
            guard let medium = state.medium else { throw Self.ended }
            let size = state.sizeInBytes + Int64(count)
            guard size <= maximumBytes else {
                throw RuleError(
                    .tooLarge,
                    "The \(parameter) is larger than \(maximumBytes) bytes.",
                    parameter: parameter
                )
            }
            if size > medium.reservation.bytes {
                // In steps, so that a stream of small pieces does not ask for every one of them.
                let step = Int64(Self.blockSize)
                try medium.reservation.set(min(size / step * step + step, maximumBytes))
            }
            state.sizeInBytes = size
        }
    }

    private func fill(from rest: inout ByteBuffer) throws -> Turn? {
        var remaining = rest
        defer { rest = remaining }
        return try state.withLock { state in
            guard let medium = state.medium else { throw Self.ended }
            state.filling.fill(from: &remaining, upTo: Self.blockSize)
            return state.filling.sizeInBytes == Self.blockSize ? Self.turn(&state, medium) : nil
        }
    }

    private func lastTurn() throws -> Turn? {
        try state.withLock { state in
            guard let medium = state.medium else { throw Self.ended }
            return state.filling.sizeInBytes > 0 ? Self.turn(&state, medium) : nil
        }
    }

    private static func turn(_ state: inout State, _ medium: Medium) -> Turn {
        let turn = Turn(block: state.filling, tape: medium.tape, previous: state.inFlight.take())
        state.filling = SpoolBlock()
        return turn
    }

    private nonisolated(nonsending) func take(_ turn: consuming Turn) async throws {
        try await turn.previous?.value()
        let write = turn.tape.start(turn.block)
        state.withLock { state in
            // It may have been discarded in the meantime; then nobody waits for this write.
            guard state.medium != nil else { return }
            state.inFlight = write
        }
    }

    private static let ended = SpoolError(.failed, "Something was written to an upload that had ended.")
}
