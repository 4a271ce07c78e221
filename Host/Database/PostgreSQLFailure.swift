/// What went wrong with a statement or a connection.
struct PostgreSQLFailure: Error, Sendable {
    enum Kind: Sendable {
        /// The server answered with an error; the connection goes on.
        case refused
        /// The connection is gone, or of no use any more.
        case lost
        /// No answer came in time; the connection was closed.
        case silent
    }

    let kind: Kind
    /// PostgreSQL's five characters, or "".
    let state: String
    let error: DatabaseError

    /// Whether the same transaction may succeed when it is run again.
    var isWorthAnotherRun: Bool { ["40001", "40P01"].contains(state) || isStale }

    /// Whether another connection would have done it.
    ///
    /// "Cached plan must not change result type" after the tables were changed, or a prepared statement that is gone.
    var isStale: Bool { ["0A000", "26000"].contains(state) }

    /// Whether the connection must not be used again; a server that has become read-only has been replaced.
    var isEndOfConnection: Bool { kind != .refused || isStale || state == "25006" }

    /// The connection was closed by the other side.
    static func lost(_ detail: String = "The connection was lost") -> PostgreSQLFailure {
        PostgreSQLFailure(
            kind: .lost,
            state: "",
            error: DatabaseError(.unavailable, "PostgreSQL: \(detail). Check the server and try again.")
        )
    }

    /// No answer came in time.
    static let silent = PostgreSQLFailure(
        kind: .silent,
        state: "",
        error: DatabaseError(.timeout, "PostgreSQL did not answer in time: check the server and the network.")
    )

    /// Reads an error answer.
    ///
    /// Its fields are called by the letters of PostgreSQL's protocol: C is the state, V the severity, M the message.
    init(_ result: PostgreSQLResult) {
        let state = result.field("C") ?? ""
        let severity = result.field("V") ?? ""
        kind = state.isEmpty || ["FATAL", "PANIC"].contains(severity) ? .lost : .refused
        self.state = state
        let (code, remedy) = Self.classify(state)
        let text = Self.text(state, result.field("M"))
        error = DatabaseError(code, "PostgreSQL: \(text). \(remedy)")
    }

    private init(kind: Kind, state: String, error: DatabaseError) {
        self.kind = kind
        self.state = state
        self.error = error
    }

    private static func text(_ state: String, _ primary: String?) -> String {
        // 22: "invalid input syntax for type bigint: …" and its like repeat the value; P0: whatever a trigger says.
        if state.hasPrefix("22") || state.hasPrefix("P0") { return "error \(state)" }
        guard let primary else { return state.isEmpty ? "the connection was lost" : "error \(state)" }
        return primary.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func classify(_ state: String) -> (DatabaseError.Code, String) {
        switch state {
        case "23505": return (.uniqueViolation, "Such a row exists already.")
        case "25006": return (.readOnly, "Connect to the server that accepts writes.")
        case "53100": return (.full, "Make space on the server's disk.")
        case "40001", "40P01": return (.timeout, "Other transactions were in the way; try again.")
        case "57014", "55P03", "25P03": return (.timeout, "The server was busy for too long; try again.")
        case "XX001", "XX002": return (.corrupt, "Restore the database from a backup.")
        case "53300": return (.unavailable, "Raise max_connections, or set a smaller connection_limit in the URL.")
        case "57P01", "57P02", "57P03": return (.unavailable, "The server is shutting down or starting; try again.")
        case "42501": return (.readOnly, "Grant the user of the URL the rights to these tables.")
        default: return classify(class: state.prefix(2))
        }
    }

    private static func classify(class state: Substring) -> (DatabaseError.Code, String) {
        switch state {
        case "23": (.constraintViolation, "A rule of the tables was broken.")
        case "22": (.misuse, "An argument does not fit its type.")
        case "0A", "25", "26", "34", "3D", "3F", "42", "54": (.misuse, "The statement is wrong.")
        default: (.unavailable, "Check the server and its log, and try again.")
        }
    }
}

extension PostgreSQLFailure {
    /// Reads why a connection could not be made.
    ///
    /// libpq has no codes for that. Its messages name hosts, users and files, never a password; the server's may be in
    /// another language, and then have a remedy that fits all.
    static func connecting(to target: String, _ message: String) -> DatabaseError {
        let lines = message.split(whereSeparator: \.isNewline).map { $0.drop { $0.isWhitespace } }
        let text = lines.joined(separator: " ")
        let remedy = remedies.first { text.contains($0.0) }?.1 ?? "Check the URL, the server and its log."
        return DatabaseError(.unavailable, "\(target) cannot be reached: \(text). \(remedy)")
    }

    private static let remedies = [
        ("password authentication failed", "Correct the user or the password in the URL."),
        ("no password supplied", "Put the password into the URL."),
        ("no pg_hba.conf entry", "Allow this host, user and encryption in the server's pg_hba.conf."),
        ("does not support SSL", "Turn TLS on in the server, or lower sslmode in the URL."),
        ("root certificate file", "Give the authority's certificate as sslrootcert in the URL."),
        ("certificate verify failed", "Give the authority of the server's certificate as sslrootcert in the URL."),
        ("does not match host name", "Use the host name of the server's certificate in the URL."),
        ("SSL error", "Check the TLS settings of the server and of the URL."),
        ("too many clients", "Raise max_connections, or set a smaller connection_limit in the URL."),
        ("remaining connection slots", "Raise max_connections, or set a smaller connection_limit in the URL."),
        ("too many connections", "Raise max_connections, or set a smaller connection_limit in the URL."),
        ("starting up", "Try again when the server has started."),
        ("shutting down", "Start the server again."),
        ("could not translate host name", "Correct the host in the URL, or the name service."),
        ("Connection refused", "Start the server, or correct the host and the port in the URL."),
        ("No such file or directory", "Start the server, or correct the host and the port in the URL."),
        ("timeout expired", "Check the network and firewalls, or correct the host in the URL."),
        ("invalid", "Correct this parameter of the URL."),
        ("does not exist", "Create it, or correct its name in the URL."),
    ]
}
