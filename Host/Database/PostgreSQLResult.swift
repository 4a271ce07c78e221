import CPostgreSQL

/// One answer of the server, freed with this object.
final class PostgreSQLResult {
    private let pointer: OpaquePointer

    /// - Parameter pointer: The answer; this object frees it.
    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQclear(pointer) }

    var status: ExecStatusType { PQresultStatus(pointer) }

    var isEmptyStatement: Bool { status == PGRES_EMPTY_QUERY }

    /// The command and, after some, how many rows it was about: "INSERT 0 3".
    var tag: String { PQcmdStatus(pointer).map { String(cString: $0) } ?? "" }

    /// How many rows were inserted, updated or deleted.
    var changedRowCount: Int {
        guard ["INSERT", "UPDATE", "DELETE", "MERGE"].contains(tag.prefix { $0 != " " }) else { return 0 }
        return PQcmdTuples(pointer).flatMap { Int(String(cString: $0)) } ?? 0
    }

    var rowCount: Int { Int(PQntuples(pointer)) }
    var columnCount: Int { Int(PQnfields(pointer)) }
    var parameterCount: Int { Int(PQnparams(pointer)) }

    func columnName(_ column: Int) -> String { PQfname(pointer, Int32(column)).map { String(cString: $0) } ?? "" }

    func columnType(_ column: Int) -> Oid { PQftype(pointer, Int32(column)) }

    func parameterType(_ parameter: Int) -> Oid { PQparamtype(pointer, Int32(parameter)) }

    /// The bytes of a value, valid as long as this object; nil for null.
    func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        guard PQgetisnull(pointer, Int32(row), Int32(column)) == 0 else { return nil }
        let length = Int(PQgetlength(pointer, Int32(row), Int32(column)))
        return UnsafeRawBufferPointer(start: PQgetvalue(pointer, Int32(row), Int32(column)), count: length)
    }

    /// A field of an error.
    func field(_ code: UnicodeScalar) -> String? {
        PQresultErrorField(pointer, Int32(code.value)).map { String(cString: $0) }
    }
}
