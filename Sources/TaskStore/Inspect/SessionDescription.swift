/// A named session as an operator sees it.
///
/// Its name is not part of it: a client that knows it can attach the session.
public struct SessionDescription: Sendable, Equatable {
    /// Its number, the manager that has its connection, and the connection.
    public var holder: HolderDescription

    /// When a connection last attached it.
    public var attached: Timestamp

    /// The number of tasks that it holds.
    public var claims: Int

    /// Makes a description.
    public init(holder: HolderDescription, attached: Timestamp, claims: Int) {
        self.holder = holder
        self.attached = attached
        self.claims = claims
    }
}
