internal import ArgumentParser

/// A length of time on the command line: `90`, `90s`, `15m`, `2h`, `7d`.
struct TimeSpan: ExpressibleByArgument, Sendable, Equatable {
    /// Seconds.
    var seconds: Double

    /// Creates a length of time.
    init(seconds: Double) {
        self.seconds = seconds
    }

    /// Reads a number, which may have a fraction, and a unit: `ms`, `s`, `m`, `h` or `d`.
    ///
    /// Without a unit it is seconds.
    init?(argument: String) {
        let number = argument.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value.isFinite else { return nil }
        let units = ["": 1.0, "ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400]
        guard let unit = units[String(argument.dropFirst(number.count))] else { return nil }
        let seconds = value * unit
        guard seconds <= 4_294_967_295 else { return nil }
        self.seconds = seconds
    }

    var defaultValueDescription: String { "\(Int(seconds))s" }

    /// Whole seconds, rounded up.
    var wholeSeconds: UInt32 { UInt32(seconds.rounded(.up)) }

    /// The same as a duration.
    var duration: Duration { .seconds(seconds) }
}
