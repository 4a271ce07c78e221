import CPostgreSQL
import Foundation

/// Where a PostgreSQL database is and how it is reached: its URL, read.
///
/// A password with a `/` or an `@` that was not percent-encoded ends up in the host, the port or the database. So what
/// looks like that is refused here with a message that repeats nothing, before libpq names it in one of its own.
struct PostgreSQLLocation: Sendable {
    /// libpq's parameters, with defaults for those that the URL does not have; has the password.
    let parameters: [String: String]
    /// How many connections the URL asks for.
    let connectionCount: Int?
    /// How long the URL says to wait for a connection.
    let maximumWait: Duration?

    /// Host, port and database, for messages.
    var target: String {
        let host = parameters["host"] ?? parameters["hostaddr"] ?? "the default host"
        let port = parameters["port"].map { ":\($0)" } ?? ""
        let database = parameters["dbname"] ?? parameters["user"] ?? "the default one"
        return "PostgreSQL at \(host)\(port), database \(database)"
    }

    /// Reads a URL.
    ///
    /// - Throws: ``DatabaseError`` with `.unavailable`.
    init(url: String, settings: PostgreSQLSettings) throws(DatabaseError) {
        let (plain, foreign) = try Self.split(url)
        let given = try Self.parse(plain)
        try Self.checkNumbers(given)
        connectionCount = try foreign["connection_limit"].map { text throws(DatabaseError) in
            try Self.number(text, "connection_limit", 1...64)
        }
        maximumWait = try foreign["pool_timeout"].map { text throws(DatabaseError) in
            .seconds(try Self.number(text, "pool_timeout", 1...3600))
        }
        parameters = Self.defaults(settings, schema: foreign["schema"], options: given["options"])
            .merging(given.filter { $0.key != "options" }) { $1 }
    }

    private static func defaults(
        _ settings: PostgreSQLSettings,
        schema: String?,
        options: String?
    ) -> [String: String] {
        let deadline = settings.statementDeadline.milliseconds
        var words = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
            .map { "-c \($0)=\(deadline)" }
        words.append("-c synchronous_commit=on")
        if let schema { words.append("-c search_path=\(escaped(schema))") }
        // The last one of two that are the same wins: the URL's.
        if let options { words.append(options) }
        return [
            "connect_timeout": "\(max(1, settings.connectDeadline.milliseconds / 1000))",
            "application_name": settings.applicationName,
            "client_encoding": "UTF8",
            "keepalives": "1",
            "keepalives_idle": "10",
            "keepalives_interval": "3",
            "keepalives_count": "3",
            "tcp_user_timeout": "15000",
            "options": words.joined(separator: " "),
        ]
    }

    /// Writes a schema's name as a quoted identifier in the server's command-line options.
    private static func escaped(_ schema: String) -> String {
        let quoted = "\"" + schema.replacing("\"", with: "\"\"") + "\""
        return quoted.replacing("\\", with: "\\\\").replacing(" ", with: "\\ ")
    }

    /// Takes the parameters out of a URL that other clients know and libpq does not.
    private static func split(_ url: String) throws(DatabaseError) -> (plain: String, foreign: [String: String]) {
        let isSecretInPlace = url.split(separator: "@", omittingEmptySubsequences: false).count <= 2
        guard let start = ["postgresql://", "postgres://"].first(where: { url.hasPrefix($0) }), isSecretInPlace,
            !url.utf8.contains(0)
        else { throw .unreadableURL }
        let rest = url.dropFirst(start.count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !rest.dropFirst(authority.count).contains("@") else { throw .unreadableURL }
        guard let mark = url.firstIndex(of: "?") else { return (url, [:]) }
        let known = knownParameters()
        var kept: [Substring] = []
        var foreign: [String: String] = [:]
        for pair in url[url.index(after: mark)...].split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, let value = halves[1].removingPercentEncoding else { throw .unreadableURL }
            let name = String(halves[0])
            if known.contains(name) { kept.append(pair) } else { foreign[name] = value }
        }
        try check(foreign)
        let query = kept.joined(separator: "&")
        return (url[..<mark] + (query.isEmpty ? "" : "?" + query), foreign)
    }

    private static func check(_ foreign: [String: String]) throws(DatabaseError) {
        for (name, value) in foreign where !["connection_limit", "pool_timeout", "schema"].contains(name) {
            if name == "pgbouncer" {
                if value == "false" { continue }
                throw DatabaseError(
                    .unavailable,
                    "The database's URL has pgbouncer=\(value == "true" ? "true" : "…"): transactions of a pooler keep "
                        + "neither prepared statements nor LISTEN. Give the URL of the server itself, or of a pool in "
                        + "session mode, without this parameter."
                )
            }
            guard name.utf8.allSatisfy({ $0 == UInt8(ascii: "_") || UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 })
            else { throw .unreadableURL }
            throw DatabaseError(
                .unavailable,
                "The database's URL has a parameter that is not known: \(name). Remove it, or write one of libpq's."
            )
        }
    }

    private static func knownParameters() -> Set<String> {
        guard let options = PQconndefaults() else { return [] }
        defer { PQconninfoFree(options) }
        // libpq reads `ssl=true`, which other clients write, as sslmode=require.
        var known: Set<String> = ["ssl"]
        var option = options
        while let keyword = option.pointee.keyword {
            known.insert(String(cString: keyword))
            option += 1
        }
        return known
    }

    private static func parse(_ url: String) throws(DatabaseError) -> [String: String] {
        // What libpq says about a URL that it cannot read may have the URL in it.
        guard let options = PQconninfoParse(url, nil) else { throw .unreadableURL }
        defer { PQconninfoFree(options) }
        var parameters: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return parameters
    }

    private static func checkNumbers(_ parameters: [String: String]) throws(DatabaseError) {
        for port in (parameters["port"] ?? "").split(separator: ",") {
            // A piece of a password may stand here, so that it is not repeated.
            guard let number = Int(port), 1...65_535 ~= number else { throw .unreadableURL }
        }
        if let seconds = parameters["connect_timeout"] { _ = try number(seconds, "connect_timeout", 1...60) }
    }

    private static func number(
        _ text: String,
        _ name: String,
        _ range: ClosedRange<Int>
    ) throws(DatabaseError) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw DatabaseError(
                .unavailable,
                "The database's URL has a wrong \(name): write a number from \(range.lowerBound) to \(range.upperBound)."
            )
        }
        return number
    }
}

extension DatabaseError {
    fileprivate static let unreadableURL = DatabaseError(
        .unavailable,
        "The database's URL cannot be read: write postgresql://user:password@host:port/database, and percent-encode "
            + "characters such as @, / and ? in the password."
    )
}
