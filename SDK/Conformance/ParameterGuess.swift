import CGantryPlugin
import GantryPlugin

/// Finds parameters that a plugin accepts: what it describes, and what it asks for when it refuses.
struct ParameterGuess {
    private static let maximumAttempts = 48

    private let context: RuleContext

    init(_ context: RuleContext) { self.context = context }

    /// Parameters with which the plugin makes a target.
    func parameters(_ configuration: [UInt8]?) throws(RuleStop) -> [UInt8] {
        let table = try context.table()
        let described = Self.described(table)
        var parameters = try start(described)
        let host = VirtualHost()
        let hostMemory = LentMemory(.kept)
        let lentHost = hostMemory.structure(host.table, size: MemoryLayout<gantry_host>.size)
        context.note("instance_new, for the parameters")
        let made = PluginSession.makeInstance(table, lentHost, configuration ?? Array("{}".utf8))
        guard made.status == 0, let instance = made.object else {
            throw refused(made, "instance_new", advice: "Give the configuration in a script.")
        }
        defer { table.pointee.instance_free(instance) }
        var tried: Set<String> = []
        for _ in 0..<Self.maximumAttempts {
            let text = Self.escaped(JSON.object(parameters).serialized())
            context.note("target_new with \(CapturedCommand.text(text).prefix(200))")
            let attempt = PluginSession.makeTarget(table, instance, text)
            if attempt.status == 0, let target = attempt.object {
                table.pointee.target_free(target)
                return text
            }
            let name = attempt.commands.first.map { CapturedCommand.text($0.text) } ?? ""
            guard !name.isEmpty, context.parameters[name] == nil, change(&parameters, name, described, &tried) else {
                throw refused(
                    attempt,
                    "target_new",
                    advice: "Give the parameters that it needs with `--param name=value`."
                )
            }
        }
        throw .skip("no parameters were found that the plugin accepts")
    }

    /// The same JSON with escapes where it needs none, as the host's encoder writes it: a plugin has to read JSON, not
    /// what looks like it.
    private static func escaped(_ json: [UInt8]) -> [UInt8] {
        json.flatMap { $0 == UInt8(ascii: "/") ? [UInt8(ascii: "\\"), $0] : [$0] }
    }

    /// The parameters of the description, by name.
    static func described(_ table: UnsafePointer<gantry_plugin>) -> [(name: String, rule: JSON)] {
        let text = Array(UnsafeBufferPointer(start: table.pointee.describe.ptr, count: table.pointee.describe.len))
        do throws(JSONError) {
            return try JSON(parsing: text)["params"]?.object?.members.map { ($0.name, $0.value) } ?? []
        } catch {
            // That it is JSON is a rule of its own.
            return []
        }
    }

    private func start(_ described: [(name: String, rule: JSON)]) throws(RuleStop) -> JSONObject {
        var parameters = JSONObject()
        parameters["model"] = "example-model"
        for (name, rule) in described where rule["kind"]?.string != "value" {
            parameters[name] = Self.value(name, rule)
        }
        for (name, text) in context.parameters {
            parameters[name] = Self.given(name, text, described.first { $0.name == name }?.rule)
        }
        return parameters
    }

    /// Adds a parameter that is asked for, or leaves out one that is refused; false if both have been tried.
    private func change(
        _ parameters: inout JSONObject,
        _ name: String,
        _ described: [(name: String, rule: JSON)],
        _ tried: inout Set<String>
    ) -> Bool {
        let member = name.split(separator: ".").first.map(String.init) ?? name
        if parameters[member] != nil {
            guard tried.insert("-" + member).inserted else { return false }
            parameters[member] = nil
        } else {
            guard tried.insert("+" + member).inserted else { return false }
            parameters[member] = Self.value(member, described.first { $0.name == member }?.rule ?? ["kind": "value"])
        }
        return true
    }

    /// What a person gives for a parameter; of a secret only the name is passed to a plugin.
    private static func given(_ name: String, _ text: String, _ rule: JSON?) -> JSON {
        switch rule?["kind"]?.string {
        case "secret": return secret(name)
        case "credentials":
            guard case .object(var document) = value(text) else { return value(text) }
            for member in rule?["members"]?.array?.compactMap(\.string) ?? [] where document[member] != nil {
                document[member] = secret("\(name).\(member)")
            }
            return .object(document)
        default: return value(text)
        }
    }

    /// What a person gives: JSON, and what is none as a text.
    private static func value(_ text: String) -> JSON {
        do throws(JSONError) {
            return try JSON(parsing: Array(text.utf8))
        } catch {
            return .string(text)
        }
    }

    private static func secret(_ name: String) -> JSON { ["secret": .string(name)] }

    private static func value(_ name: String, _ rule: JSON) -> JSON {
        switch rule["kind"]?.string {
        case "secret": return secret(name)
        case "endpoint": return "https://upstream.example"
        case "credentials":
            // What documents of credentials commonly say besides their secrets.
            var document = JSONObject()
            document["type"] = "service_account"
            document["project_id"] = "example"
            document["client_email"] = "check@example.invalid"
            document["client_id"] = "check"
            for member in rule["members"]?.array ?? [] {
                document[member.string ?? ""] = secret(name + "." + (member.string ?? ""))
            }
            for member in rule["endpoints"]?.array ?? [] {
                document[member.string ?? ""] = "https://upstream.example/token"
            }
            return .object(document)
        default: return "example"
        }
    }

    private func refused(_ attempt: PluginSession.Attempt, _ function: String, advice: String) -> RuleStop {
        let why = attempt.commands.first.map { $0.shortLine } ?? "without saying why"
        return .broken("`\(function)` returned \(attempt.status): \(why).", at: function, advice: advice)
    }
}
