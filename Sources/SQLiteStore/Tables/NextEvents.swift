/// The next events in time, one per ``TimeSource``; nil if a source has none.
///
/// A copy of what the database says, valid until another connection commits.
struct NextEvents {
    private var pauses = Cached<Int64?>.unknown
    private var namedClaims = Cached<Int64?>.unknown
    private var delays = Cached<Int64?>.unknown

    /// Changes each time everything is dropped, so that copies that are kept elsewhere are known to be old.
    private(set) var generation = 0

    /// The next event of a source, on the source's clock.
    subscript(source: TimeSource) -> Cached<Int64?> {
        get {
            switch source {
            case .pauses: pauses
            case .namedClaims: namedClaims
            case .delays: delays
            }
        }
        set {
            switch source {
            case .pauses: pauses = newValue
            case .namedClaims: namedClaims = newValue
            case .delays: delays = newValue
            }
        }
    }

    /// Drops everything.
    mutating func invalidate() {
        pauses = .unknown
        namedClaims = .unknown
        delays = .unknown
        generation += 1
    }

    /// Adds a task that is delayed.
    mutating func addDelay(until due: Int64) {
        guard case .known(let next) = delays else { return }
        delays = .known(min(next ?? due, due))
    }

    /// Removes a task that is no longer delayed.
    mutating func removeDelay(until due: Int64) {
        if case .known(let next?) = delays, due <= next { delays = .unknown }
    }
}
