/// The answer to `stats`, `stats-job` or `stats-tube`: names with values, in the manager's order.
///
/// The names are those of the protocol (protocol.txt).
public struct Statistics: Sendable, Hashable {
    /// One name and its value.
    public struct Entry: Sendable, Hashable {
        /// The name in the protocol, such as `current-jobs-ready`.
        public var name: String

        /// The value as text, without quotes.
        public var value: String
    }

    /// All entries in the manager's order.
    public var entries: [Entry]

    /// Reads the YAML of an answer, which is flat: one line per entry.
    init(_ text: [UInt8]) {
        entries = String(decoding: text, as: UTF8.self).split(separator: "\n")
            .compactMap { line in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                return Entry(name: String(line[..<colon]), value: Self.unquoted(value))
            }
    }

    /// The value with this name, or `nil` if the answer has none.
    public subscript(name: String) -> String? {
        entries.first { $0.name == name }?.value
    }

    /// Returns the value with this name as a whole number, or `nil` if it is missing or no number.
    public func number(_ name: String) -> Int? {
        self[name].flatMap { Int($0) }
    }

    /// Reads the YAML of an answer that is a list: one line per item.
    static func list(_ text: [UInt8]) -> [String] {
        String(decoding: text, as: UTF8.self).split(separator: "\n")
            .compactMap { line in
                line.hasPrefix("- ") ? unquoted(line.dropFirst(2)) : nil
            }
    }

    private static func unquoted(_ value: Substring) -> String {
        guard value.count >= 2, value.first == "\"", value.last == "\"" else { return String(value) }
        return String(value.dropFirst().dropLast())
    }
}
