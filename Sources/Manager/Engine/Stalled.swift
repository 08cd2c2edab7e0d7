internal import TaskStore

/// What an engine tries again when the store is not busy any more.
enum Stalled {
    /// A batch, and the moment for which it was made. Nothing of it has happened.
    case batch([Operation], Moment)

    /// The renewal of claims. Their batch has happened, and its outcomes are still to be answered.
    case renewal(LateClaims, [Outcome], start: ContinuousClock.Instant)

    /// The renewal of claims in the answers of these sessions, which are not written yet.
    case answers(ArraySlice<Session>)
}
