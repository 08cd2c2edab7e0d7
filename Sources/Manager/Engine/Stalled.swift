internal import TaskStore

/// The work that an engine tries again when the store is not busy any more.
enum Stalled {
    /// A batch, and the moment for which it was built. It has changed nothing.
    case batch([Operation], Moment)

    /// The renewal of claims. Their batch was carried out, and its outcomes are not answered yet.
    case renewal(LateClaims, [Outcome], start: ContinuousClock.Instant)

    /// The renewal of claims in the answers of these sessions, which are not written yet.
    case answers(ArraySlice<Session>)
}
