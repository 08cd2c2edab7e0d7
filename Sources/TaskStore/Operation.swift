/// One step of a batch: what to do, and for which session.
public struct Operation: Sendable, Equatable {
    /// The session that asks.
    ///
    /// Its claims are the only ones the operation can end or extend.
    public var session: SessionID

    /// What to do.
    public var action: Action

    /// The tubes in which it may find a task; `nil` for all.
    public var access: AccessFilter?

    /// Makes an operation.
    ///
    /// - Parameters:
    ///   - session: the session that asks.
    ///   - action: what to do.
    ///   - access: the tubes in which it may find a task; `nil` for all.
    public init(session: SessionID, action: Action, access: AccessFilter? = nil) {
        self.session = session
        self.action = action
        self.access = access
    }
}
