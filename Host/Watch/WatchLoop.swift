import Glibc

/// The thread of a watch.
final class WatchLoop {
    /// A folder that cannot be watched is tried again this often.
    private static let timeBetweenTries: Duration = .seconds(2)
    /// Also a thread that waits for nothing looks up now and then.
    private static let longestSleep: Duration = .seconds(60)

    private let pace: FolderWatch.Pace
    private let actions: FolderWatch.Actions
    private let bell: Bell
    private let ended: () -> Void
    private var folders: [WatchedFolder]
    private var notifier: Notifier?
    private var gathering: Gathering?
    /// When to look although nothing has changed.
    private var retry: ContinuousClock.Instant?

    /// Makes the thread's state; it is used there alone.
    init(
        _ folders: [WatchedFolder],
        pace: FolderWatch.Pace,
        actions: FolderWatch.Actions,
        bell: Bell,
        ended: @escaping () -> Void
    ) {
        self.folders = folders
        self.pace = pace
        self.actions = actions
        self.bell = bell
        self.ended = ended
    }

    /// Runs until the bell is rung for the end.
    func run() {
        do {
            notifier = try Notifier(complain: actions.complain)
        } catch {
            actions.complain(error.description)
        }
        notifier?.watch(folders)
        look(.start)
        while wait() {}
        notifier = nil
        ended()
    }

    /// Waits for what comes next and does it; false at the end.
    private func wait() -> Bool {
        var descriptors = [pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)]
        if let notifier { descriptors.append(pollfd(fd: notifier.descriptor, events: Int16(POLLIN), revents: 0)) }
        poll(&descriptors, nfds_t(descriptors.count), milliseconds(until: nextDeadline))
        let calls = bell.answer()
        if calls.ends { return false }
        if let notifier {
            let news = notifier.read()
            if news.isAny { gather(news) }
            if notifier.hasMissing, notifier.watch(folders) { gather(Notifier.News(isAny: true)) }
        }
        if calls.looks {
            look(.request)
        } else if let gathering, gathering.isOver(at: .now, pace) {
            look(.files)
        } else if let retry, retry <= .now {
            look(.retry)
        }
        return true
    }

    private func gather(_ news: Notifier.News) {
        var gathered = gathering ?? Gathering(first: .now)
        gathered.add(news)
        gathering = gathered
    }

    private func look(_ cause: FolderWatch.Cause) {
        gathering = nil
        folders = WatchedFolder.merged(actions.look(cause))
        // One at a time: whatever the cause was, this look has tried again too.
        retry = actions.pause().map { ContinuousClock.now.advanced(by: $0) }
        // What changed in a new folder between the look and the watch would go unseen.
        if let notifier, notifier.watch(folders) { gather(Notifier.News(isAny: true)) }
    }

    private var nextDeadline: ContinuousClock.Instant {
        let now = ContinuousClock.now
        var deadline = now.advanced(by: notifier?.hasMissing == true ? Self.timeBetweenTries : Self.longestSleep)
        if let gathering { deadline = min(deadline, gathering.end(pace)) }
        if let retry { deadline = min(deadline, retry) }
        return max(deadline, now)
    }

    private func milliseconds(until deadline: ContinuousClock.Instant) -> Int32 {
        let (seconds, attoseconds) = ContinuousClock.now.duration(to: deadline).components
        // Upwards, or it would wake a little too early, again and again.
        return Int32(clamping: max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1))
    }
}

/// Changes that are told together.
private struct Gathering {
    /// A hostile folder cannot fill the memory.
    private static let mostUnfinished = 4096

    let first: ContinuousClock.Instant
    private var last: ContinuousClock.Instant
    /// Files that are being written.
    private var unfinished: Set<String> = []

    init(first: ContinuousClock.Instant) {
        self.first = first
        last = first
    }

    mutating func add(_ news: Notifier.News) {
        last = .now
        for (name, isFinished) in news.files {
            if isFinished {
                unfinished.remove(name)
            } else if unfinished.count < Self.mostUnfinished {
                unfinished.insert(name)
            }
        }
    }

    func end(_ pace: FolderWatch.Pace) -> ContinuousClock.Instant {
        let latest = first.advanced(by: pace.longest)
        return unfinished.isEmpty ? min(latest, last.advanced(by: pace.quiet)) : latest
    }

    func isOver(at now: ContinuousClock.Instant, _ pace: FolderWatch.Pace) -> Bool { end(pace) <= now }
}
