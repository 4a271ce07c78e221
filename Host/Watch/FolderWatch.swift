import Glibc

/// Tells of changes in folders, from a thread of its own.
///
/// Changes that come close together are told once: when nothing has changed for a while and every file that was being
/// written has been closed, or when the first of them has waited for long enough.
package final class FolderWatch: Sendable {
    /// Why it is time to look.
    package enum Cause: String, Sendable {
        /// Something may have changed before the watch began.
        case start
        case files
        /// ``poke()``
        case request
        /// The look before wanted another one.
        case retry
    }

    /// What it does in the world.
    package struct Actions: Sendable {
        let look: @Sendable (Cause) -> [WatchedFolder]
        let pause: @Sendable () -> Duration?
        let complain: @Sendable (String) -> Void

        /// Makes actions, which are called on the watch's thread, where they may block.
        ///
        /// - Parameters:
        ///   - look: Looks at what has changed and says what is to be watched from then on.
        ///   - pause: Says after a look when to look again, even if nothing changes; nil if that is not needed.
        ///   - complain: Is told, in one line, what cannot be watched; once for each.
        package init(
            look: @escaping @Sendable (Cause) -> [WatchedFolder],
            pause: @escaping @Sendable () -> Duration? = { nil },
            complain: @escaping @Sendable (String) -> Void
        ) {
            self.look = look
            self.pause = pause
            self.complain = complain
        }
    }

    /// How long changes are gathered.
    package struct Pace: Sendable {
        let quiet: Duration
        let longest: Duration

        /// Makes a pace.
        ///
        /// - Parameters:
        ///   - quiet: So long nothing must have changed.
        ///   - longest: No change waits for longer.
        package init(quiet: Duration = .milliseconds(200), longest: Duration = .seconds(2)) {
            self.quiet = quiet
            self.longest = longest
        }
    }

    private let pace: Pace
    private let actions: Actions
    private let bell: Bell

    /// Makes a watch.
    ///
    /// - Parameters:
    ///   - pace: How long changes are gathered.
    ///   - actions: What it does.
    /// - Throws: ``WatchError`` if there are no descriptors left.
    package init(pace: Pace = Pace(), actions: Actions) throws(WatchError) {
        self.pace = pace
        self.actions = actions
        bell = try Bell()
    }

    /// Has it look at once, whether or not anything has changed; from any thread.
    package func poke() { bell.ring(.look) }

    /// Watches until the task is cancelled, and a look that goes on then has ended; to be called once.
    ///
    /// - Parameter folders: What is watched at first.
    /// - Throws: ``WatchError`` if there can be no thread.
    package func run(watching folders: [WatchedFolder]) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (ended: CheckedContinuation<Void, any Error>) in
                let loop = WatchLoop(folders, pace: pace, actions: actions, bell: bell) { ended.resume() }
                let context = Unmanaged.passRetained(loop)
                var thread = pthread_t()
                let status = pthread_create(
                    &thread,
                    nil,
                    { context in
                        guard let context else { return nil }
                        Unmanaged<WatchLoop>.fromOpaque(context).takeRetainedValue().run()
                        return nil
                    },
                    context.toOpaque()
                )
                guard status == 0 else {
                    context.release()
                    ended.resume(
                        throwing: WatchError("there can be no thread for it: \(String(cString: strerror(status)))")
                    )
                    return
                }
                pthread_detach(thread)
            }
        } onCancel: {
            bell.ring(.end)
        }
    }
}

/// Why there is no watch.
package struct WatchError: Error, CustomStringConvertible {
    /// One line.
    package let description: String

    init(_ description: String) { self.description = description }
}
