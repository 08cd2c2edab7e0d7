/// What the passing of time is going to do next: delays and pauses that end.
///
/// A copy of what the database says, good until another connection commits.
struct NextEvents {
    /// When the first delayed task is due; the outer nil: not known.
    var nextDue: Int64??

    /// When the first pause ends; the outer nil: not known.
    var nextPauseEnd: Int64??

    /// When the first claim of a named session is over; the outer nil: not known.
    var nextNamedEnd: Int64??

    /// Changes whenever everything is forgotten, so that what was noted elsewhere is known to be old.
    private(set) var edition = 0

    /// Forgets everything.
    mutating func forget() {
        nextDue = nil
        nextNamedEnd = nil
        nextPauseEnd = nil
        edition += 1
    }

    /// Notes a task that will be due.
    mutating func add(due: Int64) {
        guard case .some(let known) = nextDue else { return }
        nextDue = .some(min(known ?? due, due))
    }

    /// Notes that a delayed task is delayed no more.
    mutating func remove(due: Int64) {
        if case .some(.some(let next)) = nextDue, due <= next { nextDue = nil }
    }
}
