extension OperationKind {
    /// The ABI's name of it in lower case, such as `file_create`.
    package var name: String {
        String("\(self)".flatMap { $0.isUppercase ? "_\($0.lowercased())" : "\($0)" })
    }
}
