internal import TaskStore

/// What a connection must be set to before a request is sent over it.
///
/// A request says it every time, so that nothing has to be restored by hand on a new connection; the commands for it
/// are only sent where the connection is set to something else.
struct ConnectionNeeds: Sendable, Hashable {
    /// The tube that puts, `peek-ready` and the like, and kicks go to; none where it does not matter.
    var using: TubeName?

    /// The tubes that reserves take from, not empty; none where it does not matter.
    var watching: Set<TubeName>?

    /// No needs.
    static let none = ConnectionNeeds()
}
