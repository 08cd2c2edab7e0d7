internal import JSONText

/// Rows with named columns, which are shown as a table, as one JSON document, or as one JSON object per line.
struct Table: Sendable, Equatable {
    /// A column.
    struct Column: Sendable, Equatable {
        /// The name in JSON: lower case, with the unit.
        var name: String

        /// The heading for people.
        var title: String

        /// Whether it is in JSON only.
        var isHidden = false

        /// Creates a column.
        init(_ name: String, _ title: String? = nil, hidden: Bool = false) {
            self.name = name
            self.title = title ?? name.uppercased()
            isHidden = hidden
        }
    }

    /// The name of the list in JSON, such as `tubes`.
    var name: String
    var columns: [Column]
    var rows: [[Cell]]

    /// The rows as JSON objects.
    var objects: [JSON] {
        rows.map { row in .object(zip(columns, row).map { JSON.Member($0.name, $1.json) }) }
    }

    /// The document: an object with the version of the format and the list.
    var document: JSON {
        .object(("version", .integer(1)), (name, .array(objects)))
    }

    /// The table for people: one line per row, and a heading.
    ///
    /// - Parameter width: the width of the terminal; longer lines are cut. `nil` cuts nothing.
    /// - Returns: the lines. Without rows there is no heading.
    func lines(width: Int? = nil) -> [String] {
        guard !rows.isEmpty else { return [] }
        let shown = columns.indices.filter { !columns[$0].isHidden }
        let isNumber = shown.map { column in
            rows.contains { $0[column].isNumber } && rows.allSatisfy { $0[column].isNumber || $0[column] == .none }
        }
        let texts = [shown.map { columns[$0].title }] + rows.map { row in shown.map { row[$0].shown } }
        let widths = shown.indices.map { column in texts.map { $0[column].count }.max() ?? 0 }
        return texts.map { row in
            var line = ""
            for (column, text) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - text.count)
                if column > 0 { line += "  " }
                line += isNumber[column] ? padding + text : text + padding
            }
            while line.last == " " { line.removeLast() }
            guard let width, line.count > width else { return line }
            return String(line.prefix(max(1, width - 1))) + "…"
        }
    }
}
