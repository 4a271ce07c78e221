/// Which page of a list of users, keys or teams is wanted.
package struct PageRequest: Hashable, Sendable {
    package static let maximumSize = 100
    package static let maximumNumber = 1_000_000

    /// The first page is 1.
    package let number: Int
    package let size: Int

    /// Asks for a page.
    ///
    /// - Throws: ``RegistryError`` with `.invalid`, parameter `page` or `size`.
    package init(number: Int = 1, size: Int = maximumSize) throws(RegistryError) {
        guard (1...Self.maximumNumber).contains(number) else {
            throw RegistryError(
                .invalid,
                "page must be a whole number from 1 to \(Self.maximumNumber).",
                parameter: "page"
            )
        }
        guard (1...Self.maximumSize).contains(size) else {
            throw RegistryError(
                .invalid,
                "A page's size must be a whole number from 1 to \(Self.maximumSize).",
                parameter: "size"
            )
        }
        self.number = number
        self.size = size
    }

    var limit: Int64 { Int64(size) }
    var offset: Int64 { Int64(number - 1) * Int64(size) }
}

/// One page of a list of users, keys or teams, newest first.
package struct RecordPage<Record: Sendable>: Sendable {
    package let records: [Record]
    /// In the whole list.
    package let totalCount: Int
    package let request: PageRequest

    /// How many pages the whole list has.
    package var pageCount: Int { (totalCount + request.size - 1) / request.size }
}
