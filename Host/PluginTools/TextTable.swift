/// Rows of text under headings, as a terminal shows them.
package struct TextTable {
    private let headings: [String]
    private var rows: [[String]] = []

    /// Makes a table without rows.
    package init(_ headings: String...) { self.headings = headings }

    /// Adds a row with a text for each heading; an empty one is shown as a dash.
    package mutating func add(_ cells: String...) {
        precondition(cells.count == headings.count)
        rows.append(cells.map { $0.isEmpty ? "-" : Self.oneLine($0) })
    }

    /// The lines, the columns as wide as they have to be, without blanks at the ends.
    package var text: String { aligned([headings] + rows) }

    /// The same without the headings.
    package var body: String { aligned(rows) }

    private func aligned(_ all: [[String]]) -> String {
        let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = row.indices.map { column in
                column == row.count - 1
                    ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
            }
            return cells.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// What a file says must not move the terminal's cursor.
    private static func oneLine(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
            )
        )
    }
}
