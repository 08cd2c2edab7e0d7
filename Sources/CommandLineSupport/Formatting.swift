/// Formats numbers for summaries.
public enum Formatting {
    /// Returns a count with its noun: `1 task`, `2 tasks`.
    public static func count(_ number: Int, _ noun: String) -> String {
        number == 1 ? "1 \(noun)" : "\(number) \(noun)s"
    }

    /// Returns a duration and the rate per second: `0.84 s (119047/s)`.
    public static func rate(_ number: Int, in time: Duration) -> String {
        let seconds = time / .seconds(1)
        let hundredths = Int((seconds * 100).rounded())
        let fraction = hundredths % 100
        let text = "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
        return seconds > 0 ? "\(text) (\(Int((Double(number) / seconds).rounded()))/s)" : text
    }

    /// Returns numbers as ranges: `1-3, 7`.
    ///
    /// - Parameters:
    ///   - numbers: the numbers, in ascending order.
    ///   - limit: the most ranges to write. The text ends with the count of the other numbers.
    /// - Returns: the text.
    public static func ranges(_ numbers: [Int], limit: Int = 1000) -> String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, number == last.upperBound + 1 {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        let shown = ranges.prefix(limit)
        var text = shown.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
        if ranges.count > limit {
            let rest = ranges[limit...].reduce(0) { $0 + $1.count }
            text.append("and \(rest) more")
        }
        return text.joined(separator: ", ")
    }
}
