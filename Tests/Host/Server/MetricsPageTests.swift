import HostPlugins
import NIOCore
import Testing

@testable import HostServer

struct MetricsPageTests {
    private func text(_ fill: (inout MetricsPage) -> Void) -> String {
        var page = MetricsPage()
        fill(&page)
        return String(buffer: page.bytes)
    }

    @Test
    func valuesOfLabelsCannotEndALine() {
        let page = text { $0.sample("m", [("plugin", "a\"} 1\nm2\\ {b=\"ü")], "1") }

        #expect(page == #"m{plugin="a\"} 1\nm2\\ {b=\"ü"} 1"# + "\n")
    }

    @Test
    func aSampleWithoutLabelsHasNoBraces() {
        #expect(text { $0.sample("m", [], "7") } == "m 7\n")
    }

    @Test
    func stepTimesAreCumulative() {
        let meters = PluginMeters(plugin: "acme")
        for nanoseconds: UInt64 in [100, 200, 300, 3_000_000, .max] { meters.noteStep(nanoseconds: nanoseconds) }

        let page = text { $0.add([PluginOverview(id: "acme", state: nil, meters: meters.reading)]) }

        let lines = page.split(separator: "\n").filter { $0.hasPrefix("gantry_plugin_step_duration_seconds_") }
        #expect(lines.first == #"gantry_plugin_step_duration_seconds_bucket{plugin="acme",le="2.56e-07"} 2"#)
        #expect(lines.contains(#"gantry_plugin_step_duration_seconds_bucket{plugin="acme",le="5.12e-07"} 3"#))
        #expect(lines.contains(#"gantry_plugin_step_duration_seconds_bucket{plugin="acme",le="8.589934592"} 4"#))
        #expect(lines.contains(#"gantry_plugin_step_duration_seconds_bucket{plugin="acme",le="+Inf"} 5"#))
        #expect(lines.last == #"gantry_plugin_step_duration_seconds_count{plugin="acme"} 5"#)
    }

    @Test
    func aFamilyStandsTogetherAndOnce() throws {
        let overviews = ["a", "b"].map { id in
            let meters = PluginMeters(plugin: id)
            meters.noteCrash(.signal, "SIGSEGV")
            return PluginOverview(id: id, state: nil, meters: meters.reading)
        }

        let lines = text { $0.add(overviews) }.split(separator: "\n")

        var family = ""
        var seen: Set<String> = []
        for line in lines {
            if line.hasPrefix("# TYPE ") {
                family = String(try #require(line.split(separator: " ").dropFirst(2).first))
                #expect(seen.insert(family).inserted, "\(family) is there twice")
            } else if !line.hasPrefix("#") {
                #expect(line.hasPrefix(family), "\(line) stands under \(family)")
            }
        }
        #expect(lines.contains(#"gantry_plugin_crashes_total{plugin="b",cause="signal"} 1"#))
        #expect(lines.contains(#"gantry_plugin_crashes_total{plugin="b",cause="sandbox"} 0"#))
        #expect(lines.contains(#"gantry_plugin_up{plugin="a"} 0"#))
    }
}
