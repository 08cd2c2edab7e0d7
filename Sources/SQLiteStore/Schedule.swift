/// What the passing of time is going to do next: delays and pauses that end.
///
/// A copy of what the database says, good until somebody else commits.
struct Schedule {
    /// When the first delayed task is due; the outer nothing: not known.
    var nextDue: Int64??

    /// The tubes that are paused and until when; nothing: not known.
    var paused: [Int64: Int64]?

    /// When the first claim of a named session is over; the outer nothing: not known.
    var nextNamedEnd: Int64??

    /// Forgets everything.
    mutating func forget() {
        nextDue = nil
        nextNamedEnd = nil
        paused = nil
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
