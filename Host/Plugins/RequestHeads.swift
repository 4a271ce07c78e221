import CGantryPlugin
import Glibc
import HostPluginABI
import HostUpstream
import Synchronization

/// The texts of a request's head, to know them again.
struct LentHeadTexts: Sendable {
    private static let maximumBytes = 16 * 1024

    private let bytes: [UInt8]
    private let ends: [Int]

    /// Copies the texts of a command whose slices are well formed; nil if they are too long to be kept.
    init?(_ command: gantry_command) {
        let slices = [command.method, command.url] + command.headerSlices
        guard slices.reduce(0, { $0 + $1.len }) <= Self.maximumBytes else { return nil }
        var (bytes, ends) = ([UInt8](), [Int]())
        for slice in slices {
            bytes.append(contentsOf: UnsafeRawBufferPointer(lent: slice))
            ends.append(bytes.count)
        }
        (self.bytes, self.ends) = (bytes, ends)
    }

    /// Whether a command has the same texts, byte for byte.
    func are(of command: gantry_command) -> Bool {
        guard ends.count == 2 + 3 * command.pair_count else { return false }
        return bytes.withUnsafeBytes { bytes in
            var start = 0
            func isNext(_ slice: gantry_slice, _ index: Int) -> Bool {
                let end = ends[index]
                defer { start = end }
                guard slice.len == end - start else { return false }
                guard slice.len > 0 else { return true }
                guard let known = bytes.baseAddress, let lent = slice.ptr else { return false }
                return memcmp(known + start, lent, slice.len) == 0
            }
            guard isNext(command.method, 0), isNext(command.url, 1) else { return false }
            for pair in 0..<command.pair_count {
                let (pair, index) = (command.pairs[pair], 2 + 3 * pair)
                guard isNext(pair.name, index), isNext(pair.value, index + 1), isNext(pair.secret, index + 2)
                else { return false }
            }
            return true
        }
    }
}

/// The heads of the latest requests of one deployment.
///
/// Most requests of a deployment differ in their bodies alone: a head that was checked, given its secrets and laid out
/// once is used again as long as the plugin asks for the same bytes, which saves more than 10,000 instructions.
final class RequestHeads: Sendable {
    private static let maximumHeads = 4

    private struct Entry {
        let texts: LentHeadTexts
        let head: UpstreamRequestHead
    }

    private struct State {
        var entries: [Entry] = []
        var oldest = 0
    }

    private let state = Mutex(State())

    /// The head that a command asks for, if one of the same bytes was allowed before.
    func head(of command: gantry_command) -> UpstreamRequestHead? {
        state.withLock { state in
            for entry in state.entries where entry.texts.are(of: command) { return entry.head }
            return nil
        }
    }

    /// Keeps a head that is allowed; the oldest one makes room for it.
    func keep(_ head: UpstreamRequestHead, for texts: LentHeadTexts) {
        state.withLock { state in
            let entry = Entry(texts: texts, head: head)
            guard state.entries.count == Self.maximumHeads else { return state.entries.append(entry) }
            state.entries[state.oldest] = entry
            state.oldest = (state.oldest + 1) % Self.maximumHeads
        }
    }
}

extension gantry_command {
    /// The texts of its headers, each with name, value and secret.
    fileprivate var headerSlices: [gantry_slice] {
        (0..<pair_count).flatMap { [pairs[$0].name, pairs[$0].value, pairs[$0].secret] }
    }
}
