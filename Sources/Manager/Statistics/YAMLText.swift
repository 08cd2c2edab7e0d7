internal import TaskStore

/// YAML as beanstalkd writes it.
enum YAMLText {
    /// Returns a dictionary of scalars.
    static func render(_ figures: Figures) -> [UInt8] {
        var text = "---\n"
        for entry in figures.entries { text += "\(entry.name): \(scalar(entry.value))\n" }
        return Array(text.utf8)
    }

    private static func scalar(_ value: Figures.Value) -> String {
        switch value {
        case .count(let count): String(count)
        case .time(let time): time.secondsAndMicroseconds
        case .flag(let flag): flag ? "true" : "false"
        case .word(let word): word
        case .text(let text): "\"\(text)\""
        }
    }

    /// Returns a list of tubes: the answer to `list-tubes` and `list-tubes-watched`.
    static func render(_ tubes: [TubeName]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(tubes.reduce(4) { $0 + $1.text.utf8.count + 3 })
        text.append(contentsOf: "---\n".utf8)
        for tube in tubes {
            text.append(contentsOf: "- ".utf8)
            text.append(contentsOf: tube.text.utf8)
            text.append(UInt8(ascii: "\n"))
        }
        return text
    }
}
