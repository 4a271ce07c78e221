/// Why the tests' server cannot be used; the tests that need it fail.
package struct PostgreSQLServerError: Error, CustomStringConvertible {
    package let description: String

    /// Makes an error.
    package init(description: String) { self.description = description }
}
