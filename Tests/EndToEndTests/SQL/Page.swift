import Foundation
import Testing

/// The parts of docs/sql.md.
struct Page {
    /// A fenced block.
    struct Block: CustomTestStringConvertible, Sendable {
        /// The language: `sql` or `sh`.
        var language: String

        /// The lines between the fences.
        var code: String

        /// The output that the page shows, or `nil`.
        var shown: String?

        /// The heading of the second level above it.
        var section: String

        /// The heading of the third level above it.
        var heading: String

        /// All prose under that heading.
        var prose = ""

        /// The line of the page on which the code begins.
        var line: Int

        var testDescription: String { "\(heading), line \(line)" }
    }

    /// A table of columns, under a heading that names the view.
    struct Columns {
        /// The view.
        var view: String

        /// The names in its first column.
        var names: [String] = []
    }

    /// The fenced blocks, without those that show output.
    private(set) var blocks: [Block] = []

    /// The tables of columns.
    private(set) var columns: [Columns] = []

    /// Reads the page.
    init() throws {
        let file = Executables.package.appendingPathComponent("docs/sql.md")
        let lines = try String(contentsOf: file, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false)
        var section = ""
        var heading = ""
        var firstUnderHeading = 0
        var prose: [Substring] = []
        var open: Block?
        func endHeading() {
            for index in firstUnderHeading..<blocks.count { blocks[index].prose = prose.joined(separator: " ") }
            firstUnderHeading = blocks.count
            prose = []
        }
        for (number, line) in lines.enumerated() {
            if var block = open {
                if line == "```" {
                    open = nil
                    if block.language == "text", let last = blocks.indices.last {
                        blocks[last].shown = block.code
                    } else {
                        blocks.append(block)
                    }
                } else {
                    block.code += line + "\n"
                    open = block
                }
            } else if line.hasPrefix("```") {
                open = Block(
                    language: String(line.dropFirst(3)),
                    code: "",
                    section: section,
                    heading: heading,
                    line: number + 2
                )
            } else if line.hasPrefix("## ") {
                endHeading()
                section = String(line.dropFirst(3))
                heading = section
            } else if line.hasPrefix("### ") {
                endHeading()
                heading = String(line.dropFirst(4))
                if heading.hasPrefix("`") { columns.append(Columns(view: heading.filter { $0 != "`" })) }
            } else if line.hasPrefix("| `"), heading.hasPrefix("`"), !columns.isEmpty {
                let cell = line.split(separator: "|")[0]
                let names = cell.split(separator: ",").map { $0.filter { $0 != "`" && $0 != " " } }
                columns[columns.count - 1].names += names
            } else {
                prose.append(line)
            }
        }
        endHeading()
    }

    /// The blocks of a language in a section.
    static func blocks(_ language: String, in section: String) -> [Block] {
        do {
            return try Page().blocks.filter { $0.language == language && $0.section == section }
        } catch {
            Issue.record(error)
            return []
        }
    }
}

/// Tables in boxes, as SQLite's shell prints them.
struct Boxes {
    /// The names of the columns of each table.
    var headers: [[String]] = []

    /// The number of rows of each table.
    var rows: [Int] = []

    /// Reads the output of the shell.
    init(_ text: String) {
        var isHeader = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("┌") {
                isHeader = true
                rows.append(0)
            } else if line.hasPrefix("│") {
                if isHeader {
                    headers.append(line.split(separator: "│").map { $0.trimmingCharacters(in: .whitespaces) })
                    isHeader = false
                } else {
                    rows[rows.count - 1] += 1
                }
            }
        }
    }
}
