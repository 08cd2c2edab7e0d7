/// Named figures in a fixed order: what a `stats` command reports, before it is text.
///
/// ``YAMLText`` and ``JSONText`` render them.
struct Figures: Sendable, Equatable {
    /// The value of one figure.
    enum Value: Sendable, Equatable {
        /// A whole number: a count, bytes, or seconds.
        case count(Int)

        /// A time in seconds, with microseconds.
        case time(Duration)

        /// Yes or no.
        case flag(Bool)

        /// A word of letters and digits.
        case word(String)

        /// Any text.
        case text(String)
    }

    /// One figure.
    struct Entry: Sendable, Equatable {
        var name: String
        var value: Value
    }

    /// The figures, first to last.
    private(set) var entries: [Entry] = []

    /// Adds a figure.
    mutating func add(_ name: String, _ value: Value) {
        entries.append(Entry(name: name, value: value))
    }

    /// Adds a whole number.
    mutating func add(_ name: String, _ count: Int) {
        add(name, .count(count))
    }
}

extension Duration {
    /// Seconds with six digits of microseconds, as in `12.000345`; for times that are not negative.
    var secondsAndMicroseconds: String {
        let digits = String(components.attoseconds / 1_000_000_000_000)
        return "\(components.seconds)." + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}
