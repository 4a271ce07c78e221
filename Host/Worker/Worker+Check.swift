import CGantryPlugin
import Glibc
import HostPluginABI
import PluginConformance

/// What a worker does instead of serving: it puts one library through one rule of the ABI.
extension Worker {
    func check(_ body: UnsafeRawBufferPointer) throws -> OutgoingMessage {
        guard phase == .started else { throw WireError("a check comes after a library was opened") }
        phase = .loaded
        let message = try CheckMessage(body)
        guard let rule = ConformanceRule.named(message.rule) else {
            throw RefusedMessage(.unsupported, "there is no rule \(message.rule).")
        }
        let scripts: [ConformanceScript]
        do throws(ScriptError) {
            scripts = message.scripts.isEmpty ? [] : try ConformanceScript.parse(message.scripts)
        } catch {
            throw RefusedMessage(.unsupported, "\(error).")
        }
        // The sandbox of a thread is its own, and none can be made inside of it.
        let resources = CheckerResources(for: rule) {
            Self.enters { () throws(RefusedMessage) in try Sandbox.enter(message.load) }
        }
        try Sandbox.enter(message.load)
        let seal = { Self.enters { () throws(RefusedMessage) in _ = try Sandbox.seal(message.load) } }
        let subject = ConformanceSubject(resources, seal: seal) { () throws(UnopenedLibrary) in
            do throws(RefusedMessage) {
                return try PluginHandshake.entry(of: message.load.path)
            } catch {
                throw UnopenedLibrary(error.message)
            }
        }
        let parameters = Dictionary(message.parameters.map { ($0.name, $0.value) }) { $1 }
        let run = ConformanceRun(scripts: scripts, parameters: parameters) { place in self.report(place) }
        let result = ConformanceResult(rule: rule.name, outcome: run.check(rule, subject))
        return BytesMessage.message(.checked, result.encoded)
    }

    /// Tells the host where the check is, for the case that the plugin ends this process.
    private func report(_ place: String) {
        var place = place
        let message = place.withUTF8 { text in
            LogMessage.message(
                level: UInt32(GANTRY_LOG_DEBUG),
                text: gantry_slice(ptr: text.baseAddress, len: text.count),
                fields: nil,
                count: 0
            )
        }
        guard var message else { return }
        control.send(&message)
    }

    private static func enters(_ stage: () throws(RefusedMessage) -> Void) -> Bool {
        do throws(RefusedMessage) {
            try stage()
            return true
        } catch {
            return false
        }
    }
}
