internal import Foundation
internal import JSONText

/// A value in a table.
enum Cell: Sendable, Equatable {
    case text(String)
    case integer(Int64)

    /// A length of time in seconds.
    case seconds(Double)

    /// A number of bytes.
    case bytes(Int64)
    case flag(Bool)
    case list([String])

    /// No value.
    case none

    /// Creates a number, or no value.
    static func optional(_ value: (some BinaryInteger)?) -> Cell {
        value.map { .integer(Int64(clamping: $0)) } ?? .none
    }

    /// Creates a text, or no value.
    static func optional(_ value: String?) -> Cell {
        value.map { .text($0) } ?? .none
    }

    /// The value for scripts: exact.
    var json: JSON {
        switch self {
        case .text(let text): .string(text)
        case .integer(let number), .bytes(let number): .integer(number)
        case .seconds(let seconds): .number(seconds)
        case .flag(let flag): .bool(flag)
        case .list(let texts): .array(texts.map { .string($0) })
        case .none: .null
        }
    }

    /// The value for people.
    var shown: String {
        switch self {
        case .text(let text): Terminal.visible(text)
        case .integer(let number): String(number)
        case .seconds(let seconds): Self.time(seconds)
        case .bytes(let number): Self.size(number)
        case .flag(let flag): flag ? "yes" : "no"
        case .list(let texts): Terminal.visible(texts.joined(separator: ", "))
        case .none: "-"
        }
    }

    /// Whether it is aligned to the right.
    var isNumber: Bool {
        switch self {
        case .integer, .seconds, .bytes: true
        case .text, .flag, .list, .none: false
        }
    }

    /// Returns a length of time in the two largest units: `3.2s`, `4m10s`, `2d3h`.
    static func time(_ seconds: Double) -> String {
        guard seconds >= 60 else { return String(format: "%.1fs", seconds) }
        let whole = Int64(seconds)
        for (unit, size, smaller, smallerSize): (String, Int64, String, Int64) in [
            ("d", 86_400, "h", 3600), ("h", 3600, "m", 60), ("m", 60, "s", 1),
        ] where whole >= size {
            let rest = whole % size / smallerSize
            return "\(whole / size)\(unit)" + (rest > 0 ? "\(rest)\(smaller)" : "")
        }
        return "\(whole)s"
    }

    /// Returns a number of bytes with a unit: `512 B`, `3.4 MiB`.
    static func size(_ bytes: Int64) -> String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var value = Double(bytes)
        var unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        return String(format: "%.1f %@", value, unit)
    }
}
