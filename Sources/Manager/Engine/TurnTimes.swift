/// How long the turns of the engine have taken lately, in classes whose bounds grow by a half each.
///
/// A turn is what a client waits for after its command was read: the batch, the sync and the encoding of the answers.
struct TurnTimes {
    /// The upper bounds of the classes, in microseconds: from 10 microseconds to 50 seconds.
    private static let bounds: [Int64] = {
        var bounds: [Int64] = [10]
        while let last = bounds.last, last < 50_000_000 { bounds.append(last + last / 2) }
        return bounds
    }()

    private var counts = [UInt32](repeating: 0, count: bounds.count)
    private var halvedAt = ContinuousClock.now

    /// After this time half of what was counted is forgotten.
    private static let halfLife = Duration.seconds(60)

    /// Counts a turn.
    mutating func note(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        // Most turns are in one of the first classes.
        var index = 0
        while index < counts.count - 1, microseconds > Self.bounds[index] { index += 1 }
        counts[index] &+= 1
    }

    /// Forgets half of what was counted, if enough time has passed.
    mutating func age(at now: ContinuousClock.Instant) {
        guard now - halvedAt >= Self.halfLife else { return }
        halvedAt = now
        for index in counts.indices { counts[index] /= 2 }
    }

    /// Returns the bound below which a share of the turns was.
    ///
    /// - Parameter thousandths: the share, 0 to 1000.
    /// - Returns: microseconds; `nil` if no turn was counted.
    func quantile(thousandths: UInt64) -> Int64? {
        let total = counts.reduce(0) { $0 + UInt64($1) }
        guard total > 0 else { return nil }
        var seen: UInt64 = 0
        for (index, count) in counts.enumerated() {
            seen += UInt64(count)
            if seen * 1000 >= total * thousandths { return Self.bounds[index] }
        }
        return Self.bounds.last
    }
}
