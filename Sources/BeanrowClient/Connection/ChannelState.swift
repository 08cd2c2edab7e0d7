internal import TaskStore

/// The tubes that a connection must use and watch before a request is sent over it.
///
/// Each request states this, so nothing has to be restored on a new connection. The commands that set it are sent only
/// if the connection is in another state.
struct ChannelState: Sendable, Hashable {
    /// The tube of puts, kicks, `peek-ready` and the like.
    ///
    /// `nil` if it does not matter.
    var using: TubeName?

    /// The tubes of reserves, not empty.
    ///
    /// `nil` if it does not matter.
    var watching: Set<TubeName>?

    /// Any state.
    static let any = ChannelState()
}
