/// One step of a batch: what to do, and for which session.
public struct Operation: Sendable, Equatable {
    /// The session that asks.
    ///
    /// Its claims are the only ones the operation can end or extend.
    public var session: SessionID

    /// What to do.
    public var action: Action

    /// Makes an operation.
    public init(session: SessionID, action: Action) {
        self.session = session
        self.action = action
    }
}
