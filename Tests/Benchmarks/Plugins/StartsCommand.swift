import ArgumentParser
import HostUpstream
import NIOCore
import NIOPosix

/// A plugin is loaded and serves its first step, again and again.
struct StartsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starts",
        abstract: "From nothing to the end of the first step: the library's copy, the worker, its sandbox, the step."
    )

    @OptionGroup
    var plugin: PluginOptions

    @Option(help: "How often.")
    var times = 30

    func run() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let upstream = try BenchHost.upstream(on: loop)
        var found = BenchTimes()
        for number in 0...times {
            let start = nanoseconds()
            let host = try BenchHost(plugin, loop: loop, upstream: upstream)
            try await host.chat("{}")
            // The first one finds nothing in the system's caches.
            if number > 0 { found.add(nanoseconds() - start) }
        }
        await upstream.shutdown()
        try BenchReport(found).print()
    }
}

/// A worker dies in a step, again and again.
struct DeathsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deaths",
        abstract: "From the begin of a step in which the plugin traps to the end of its operation."
    )

    @OptionGroup
    var plugin: PluginOptions

    @Option(help: "How often.")
    var times = 20

    func run() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let upstream = try BenchHost.upstream(on: loop)
        var found = BenchTimes()
        var survivors = 0
        for _ in 0..<times {
            let host = try BenchHost(plugin, loop: loop, upstream: upstream)
            try await host.chat("{}")
            let start = nanoseconds()
            do {
                try await host.chat("misbehave")
                survivors += 1
            } catch {
                found.add(nanoseconds() - start)
            }
        }
        await upstream.shutdown()
        try BenchReport(found, failures: survivors).print()
    }
}
