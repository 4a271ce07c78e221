import Foundation
import Synchronization
import Testing

@testable import HostWatch

@Suite(.timeLimit(.minutes(2)))
struct FolderWatchTests {
    /// A folder that is watched, and what was told of it.
    private final class Bench: Sendable {
        struct Seen {
            var causes: [FolderWatch.Cause] = []
            /// What `file.yaml` held at each look; nil if it was not there.
            var texts: [String?] = []
            var complaints: [String] = []
        }

        let folder: String
        let seen = Mutex(Seen())
        let folders: Mutex<[WatchedFolder]>
        /// When it looks again by itself, look by look.
        let pauses = Mutex<[Duration]>([])

        init() throws {
            folder = NSTemporaryDirectory() + "gantry-watch-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            folders = Mutex([WatchedFolder(path: folder, names: nil)])
        }

        func path(_ name: String) -> String { "\(folder)/\(name)" }

        func write(_ text: String, to name: String = "file.yaml") throws {
            try text.write(toFile: path(name), atomically: false, encoding: .utf8)
        }

        func look(_ cause: FolderWatch.Cause) -> [WatchedFolder] {
            let text = FileManager.default.contents(atPath: path("file.yaml")).map {
                String(decoding: $0, as: UTF8.self)
            }
            seen.withLock {
                $0.causes.append(cause)
                $0.texts.append(text)
            }
            return folders.withLock { $0 }
        }

        var causes: [FolderWatch.Cause] { seen.withLock { $0.causes } }
        var texts: [String?] { seen.withLock { $0.texts } }

        /// Waits for what has to come; a watch that never tells it fails the test by its time limit.
        func until(_ holds: (Seen) -> Bool) async throws {
            while !seen.withLock({ holds($0) }) { try await Task.sleep(for: .milliseconds(5)) }
        }

        /// Waits until nothing has been told for longer than changes are gathered.
        func settle() async throws {
            var last = -1
            while last != causes.count {
                last = causes.count
                try await Task.sleep(for: .milliseconds(600))
            }
        }
    }

    private func withWatch(
        pace: FolderWatch.Pace = FolderWatch.Pace(quiet: .milliseconds(50), longest: .milliseconds(400)),
        _ test: (Bench, FolderWatch) async throws -> Void
    ) async throws {
        let bench = try Bench()
        let watch = try FolderWatch(
            pace: pace,
            actions: FolderWatch.Actions(
                look: { bench.look($0) },
                pause: { bench.pauses.withLock { $0.popLast() } },
                complain: { complaint in bench.seen.withLock { $0.complaints.append(complaint) } }
            )
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            let first = bench.folders.withLock { $0 }
            group.addTask { try await watch.run(watching: first) }
            try await bench.until { !$0.causes.isEmpty }
            try await test(bench, watch)
            group.cancelAll()
        }
        try FileManager.default.removeItem(atPath: bench.folder)
    }

    @Test
    func itLooksWhenItBeginsAndEndsWhenItIsToldTo() async throws {
        try await withWatch { bench, _ in #expect(bench.causes.first == .start) }
    }

    @Test
    func aLookThatWantsAnotherOneGetsOne() async throws {
        try await withWatch { bench, watch in
            try await bench.settle()
            let before = bench.causes.count
            bench.pauses.withLock { $0 = [.milliseconds(10), .milliseconds(10)] }
            watch.poke()
            try await bench.until { $0.causes.filter { $0 == .retry }.count == 2 }
            try await bench.settle()
            #expect(bench.causes.dropFirst(before) == [.request, .retry, .retry])
        }
    }

    @Test
    func aLookPutsOffTheOneThatWasWanted() async throws {
        try await withWatch { bench, watch in
            try await bench.settle()
            let before = bench.causes.count
            // Long enough for a busy machine to come to the next poke.
            bench.pauses.withLock { $0 = [.seconds(8)] }
            watch.poke()
            try await bench.until { $0.causes.count == before + 1 }
            watch.poke()
            try await bench.until { $0.causes.count == before + 2 }
            try await Task.sleep(for: .seconds(9))
            #expect(bench.causes.dropFirst(before) == [.request, .request])
        }
    }

    @Test
    func aFileThatIsWrittenRenamedOverOrDeletedIsTold() async throws {
        try await withWatch { bench, _ in
            try bench.write("one")
            try await bench.until { $0.texts.last == "one" }
            try bench.write("two", to: "file.yaml.new")
            try await bench.until { $0.causes.count > 2 }
            #expect(rename(bench.path("file.yaml.new"), bench.path("file.yaml")) == 0)
            try await bench.until { $0.texts.last == "two" }
            try FileManager.default.removeItem(atPath: bench.path("file.yaml"))
            try await bench.until { $0.texts.last == .some(nil) && $0.causes.count > 3 }
        }
    }

    @Test
    func aFileIsNotLookedAtWhileItIsBeingWritten() async throws {
        let pace = FolderWatch.Pace(quiet: .milliseconds(20), longest: .seconds(100))
        try await withWatch(pace: pace) { bench, _ in
            try await bench.settle()
            let file = open(bench.path("file.yaml"), O_WRONLY | O_CREAT, 0o600)
            #expect(write(file, "ha", 2) == 2)
            try await Task.sleep(for: .milliseconds(300))
            let looks = bench.causes.count
            #expect(!bench.texts.contains("ha"))
            #expect(write(file, "lf", 2) == 2)
            close(file)
            try await bench.until { $0.texts.last == "half" }
            #expect(bench.causes.count == looks + 1)
        }
    }

    @Test
    func aFileThatIsNeverClosedIsLookedAtInTheEnd() async throws {
        try await withWatch { bench, _ in
            let file = open(bench.path("file.yaml"), O_WRONLY | O_CREAT, 0o600)
            #expect(write(file, "open", 4) == 4)
            try await bench.until { $0.texts.last == "open" }
            #expect(write(file, "!", 1) == 1)
            try await bench.until { $0.texts.last == "open!" }
            close(file)
        }
    }

    @Test
    func aThousandEventsAreAFewLooks() async throws {
        let pace = FolderWatch.Pace(quiet: .milliseconds(300), longest: .seconds(5))
        try await withWatch(pace: pace) { bench, _ in
            try await bench.settle()
            let before = bench.causes.count
            for number in 0..<1000 { try bench.write("\(number)", to: number == 999 ? "file.yaml" : "f\(number % 50)") }
            try await bench.until { $0.texts.last == "999" }
            #expect(bench.causes.count - before <= 20)
        }
    }

    @Test
    func whatNeverRestsIsLookedAtAllTheSame() async throws {
        try await withWatch { bench, _ in
            let writer = Task {
                var number = 0
                while !Task.isCancelled {
                    number += 1
                    try bench.write("\(number)")
                    try await Task.sleep(for: .milliseconds(2))
                }
            }
            try await bench.until { $0.causes.count { $0 == .files } >= 3 }
            writer.cancel()
        }
    }

    @Test
    func otherNamesDoNotMatter() async throws {
        let bench = try Bench()
        let folder = WatchedFolder(path: bench.folder, names: ["file.yaml"])

        #expect(folder.matters("file.yaml") && folder.matters("..data") && !folder.matters("gantry.log"))
        #expect(WatchedFolder(path: "/", names: nil).matters("gantry.log"))
        #expect(WatchedFolder.merged([folder, WatchedFolder(path: bench.folder, names: ["b"])])[0].names?.count == 2)
        #expect(WatchedFolder.merged([folder, WatchedFolder(path: bench.folder, names: nil)])[0].names == nil)
        try FileManager.default.removeItem(atPath: bench.folder)
    }

    @Test
    func itLooksAtOnceWhenItIsAsked() async throws {
        try await withWatch(pace: FolderWatch.Pace(quiet: .seconds(100), longest: .seconds(100))) { bench, watch in
            watch.poke()
            try await bench.until { $0.causes.contains(.request) }
        }
    }

    @Test
    func aFolderThatIsReplacedIsWatchedAgain() async throws {
        try await withWatch { bench, _ in
            let inner = bench.path("inner")
            bench.folders.withLock {
                $0 = [WatchedFolder(path: bench.folder, names: ["inner"]), WatchedFolder(path: inner, names: nil)]
            }
            try bench.write("go")
            try await bench.until { $0.complaints.contains { $0.hasPrefix(inner) } }
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
            try await bench.settle()
            var looks = bench.causes.count
            try bench.write("x", to: "inner/a")
            try await bench.until { $0.causes.count > looks }

            try FileManager.default.moveItem(atPath: inner, toPath: bench.path("old"))
            try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: false)
            try await bench.settle()
            looks = bench.causes.count
            try bench.write("y", to: "old/a")
            try bench.write("x", to: "inner/b")
            try await bench.until { $0.causes.count > looks }
            #expect(bench.seen.withLock { $0.complaints.count } <= 2)
        }
    }
}
