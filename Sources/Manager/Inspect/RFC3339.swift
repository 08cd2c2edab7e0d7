internal import TaskStore

/// Times as RFC 3339 has them, in UTC with milliseconds: `2026-03-01T12:00:00.000Z`.
enum RFC3339 {
    private static let millisecondsPerDay: Int64 = 86_400_000

    /// The first moment of the year 0 and the last one of the year 9999: no other years have four digits.
    private static let range: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    /// Returns a time as text; `nil` if its year does not have four digits.
    static func text(_ time: Timestamp) -> String? {
        guard range.contains(time.rawValue) else { return nil }
        let (days, rest) = split(time.rawValue, millisecondsPerDay)
        let (year, month, day) = date(days)
        let (seconds, milliseconds) = split(rest, 1000)
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(seconds / 3600, 2)):"
            + "\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2)).\(padded(milliseconds, 3))Z"
    }

    /// Divides, with a remainder that is never negative.
    private static func split(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, rest: Int64) {
        let rest = (value % divisor + divisor) % divisor
        return ((value - rest) / divisor, rest)
    }

    /// Returns the date of a day in the Gregorian calendar.
    ///
    /// Years are counted from March, so that a leap day is the last day of a year. 400 years have 146,097 days.
    ///
    /// - Parameter days: the number of days since 1970-01-01.
    /// - Returns: the year, the month from 1, and the day from 1.
    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = split(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }

    private static func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
