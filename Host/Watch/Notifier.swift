import Glibc

/// The kernel's notices of what happens in folders.
final class Notifier {
    /// What has happened.
    struct News {
        /// Whether anything that matters has.
        var isAny = false
        /// The files in the order of the events, and whether whoever wrote them has closed them.
        var files: [(name: String, isFinished: Bool)] = []
    }

    private static let mask = UInt32(
        IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF
            | IN_MOVE_SELF | IN_ONLYDIR
    )
    private static let lost = UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)
    private static let unfinished = UInt32(IN_CREATE | IN_MODIFY)
    private static let bufferBytes = 64 << 10
    /// A storm of events does not keep the thread from looking at its clock.
    private static let mostReads = 16
    private static let mostFolders = 1024

    let descriptor: Int32
    private let complain: (String) -> Void
    private var watches: [Int32: WatchedFolder] = [:]
    /// What was complained about.
    private var missing: Set<String> = []
    /// Whether a folder is not watched that should be.
    private(set) var hasMissing = false

    /// Opens the notices.
    ///
    /// - Parameter complain: Is told what cannot be watched.
    /// - Throws: ``WatchError`` if the system gives none.
    init(complain: @escaping (String) -> Void) throws(WatchError) {
        self.complain = complain
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { throw WatchError("the system gives no notices: \(Self.systemMessage)") }
    }

    deinit { close(descriptor) }

    /// Watches these folders from now on, and no others.
    ///
    /// - Returns: Whether there is one among them that was not watched before, or lay elsewhere.
    @discardableResult
    func watch(_ folders: [WatchedFolder]) -> Bool {
        var wanted: [Int32: WatchedFolder] = [:]
        var failed: Set<String> = []
        var isNew = false
        for folder in folders.prefix(Self.mostFolders) {
            let watch = inotify_add_watch(descriptor, folder.path, Self.mask)
            guard watch >= 0 else {
                failed.insert(folder.path)
                if !missing.contains(folder.path) { complain("\(folder.path): \(Self.systemMessage)") }
                continue
            }
            if watches[watch] == nil { isNew = true }
            wanted[watch] = wanted[watch]?.joined(with: folder.names) ?? folder
        }
        if folders.count > Self.mostFolders, watches.count < Self.mostFolders {
            complain("\(folders.count) folders are more than the \(Self.mostFolders) that are watched")
        }
        for watch in watches.keys where wanted[watch] == nil { inotify_rm_watch(descriptor, watch) }
        watches = wanted
        missing = failed
        hasMissing = !failed.isEmpty
        return isNew
    }

    /// What has happened since the last time.
    func read() -> News {
        var news = News()
        var buffer = [UInt8](repeating: 0, count: Self.bufferBytes)
        for _ in 0..<Self.mostReads {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            buffer.withUnsafeBytes { take(UnsafeRawBufferPointer(rebasing: $0[..<count]), &news) }
        }
        return news
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ news: inout News) {
        let headBytes = MemoryLayout<inotify_event>.size
        var rest = bytes[...]
        while rest.count >= headBytes {
            let head = UnsafeRawBufferPointer(rebasing: rest.prefix(headBytes)).loadUnaligned(as: inotify_event.self)
            let name = rest.dropFirst(headBytes).prefix(Int(head.len)).prefix { $0 != 0 }
            note(head, String(decoding: name, as: UTF8.self), &news)
            rest = rest.dropFirst(headBytes + Int(head.len))
        }
    }

    private func note(_ event: inotify_event, _ name: String, _ news: inout News) {
        // Some were lost: anything may have happened.
        if event.mask & UInt32(IN_Q_OVERFLOW) != 0 {
            news.isAny = true
            return
        }
        guard let folder = watches[event.wd] else { return }
        if event.mask & Self.lost != 0 {
            if event.mask & UInt32(IN_IGNORED) == 0 { inotify_rm_watch(descriptor, event.wd) }
            watches[event.wd] = nil
            hasMissing = true
            news.isAny = true
            return
        }
        guard folder.matters(name) else { return }
        news.isAny = true
        guard event.mask & UInt32(IN_ISDIR) == 0 else { return }
        news.files.append(("\(event.wd)/\(name)", event.mask & Self.unfinished == 0))
    }

    private static var systemMessage: String { String(cString: strerror(errno)) }
}
