/// Figures as a manager gives them: names with values, in the manager's order.
///
/// They are what `stats`, `stats-job` and `stats-tube` answer (protocol.txt). Names are the protocol's.
public struct Statistics: Sendable, Hashable {
    /// One name and its value.
    public struct Entry: Sendable, Hashable {
        /// The protocol's name for it, such as `current-jobs-ready`.
        public var name: String

        /// The value as text, without quotes.
        public var value: String
    }

    /// All entries in the manager's order.
    public var entries: [Entry]

    /// Reads the answer's YAML, which is flat: a line an entry.
    init(_ text: [UInt8]) {
        entries = String(decoding: text, as: UTF8.self).split(separator: "\n")
            .compactMap { line in
                guard let colon = line.firstIndex(of: ":") else { return nil }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                return Entry(name: String(line[..<colon]), value: Self.unquoted(value))
            }
    }

    /// The value of this name; none where the manager did not give it.
    public subscript(name: String) -> String? {
        entries.first { $0.name == name }?.value
    }

    /// The value of this name as a whole number; none where it is no number.
    public func number(_ name: String) -> Int? {
        self[name].flatMap { Int($0) }
    }

    /// Reads an answer that is a list: a line an item.
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
