/// Figures as JSON (RFC 8259).
enum JSONText {
    /// Returns an object of scalars.
    static func render(_ figures: Figures) -> [UInt8] {
        let members = figures.entries.map { "\(string($0.name)):\(scalar($0.value))" }
        return Array("{\(members.joined(separator: ","))}".utf8)
    }

    private static func scalar(_ value: Figures.Value) -> String {
        switch value {
        case .count(let count): String(count)
        case .time(let time): time.secondsAndMicroseconds
        case .flag(let flag): flag ? "true" : "false"
        case .word(let text), .text(let text): string(text)
        }
    }

    /// Returns a JSON string: quotes, backslashes and control characters are escaped.
    static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
