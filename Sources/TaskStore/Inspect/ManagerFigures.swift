/// Figures of a manager's process that the other managers show: names with whole numbers.
///
/// In the database they are one text, `name=number` separated by spaces. A name has a unit at its end if it is no
/// count. The text is written by programs of several versions, so a reader leaves out what it does not understand.
public struct ManagerFigures: Sendable, Equatable {
    /// The figures in the order in which they are shown.
    public private(set) var entries: [Entry] = []

    /// One figure.
    public struct Entry: Sendable, Equatable {
        /// Lower-case letters, digits and underscores.
        public var name: String

        /// The figure.
        public var value: Int64
    }

    /// Makes an empty list.
    public init() {}

    /// Reads the text of the database.
    public init(text: String) {
        for part in text.split(separator: " ") {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, Self.isName(halves[0]), let value = Int64(halves[1]) else { continue }
            add(String(halves[0]), value)
        }
    }

    /// Adds a figure.
    ///
    /// A name that is no valid one, or that exists, is left out.
    public mutating func add(_ name: String, _ value: Int64) {
        guard Self.isName(name), self[name] == nil else { return }
        entries.append(Entry(name: name, value: value))
    }

    /// The figure with a name; `nil` if there is none.
    public subscript(name: String) -> Int64? { entries.first { $0.name == name }?.value }

    /// The text for the database.
    public var text: String { entries.map { "\($0.name)=\($0.value)" }.joined(separator: " ") }

    private static func isName(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
