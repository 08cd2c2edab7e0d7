/// Tasks with consecutive ids, to be deleted by the sessions that hold them.
struct HeldRange {
    /// The deletes, sorted by task.
    let deletes: ArraySlice<DeletesAndClaims.Delete>

    /// What is known of each task.
    let claims: [RecentClaims.Claim]

    /// Whether ``claims`` is what was remembered when the tasks were claimed.
    ///
    /// Otherwise it was read from the rows just now.
    let isRemembered: Bool
}
