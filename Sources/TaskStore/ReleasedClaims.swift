/// The claims that the end of a connection releases.
public enum ReleasedClaims: Sendable, Equatable {
    /// The claims of the connection itself.
    ///
    /// A named session to which it is attached keeps its claims until their time to run is over, or until another
    /// connection attaches to it.
    case ownClaims

    /// The claims of the connection and of the named session to which it is attached, which ends too.
    ///
    /// A named session to which another connection is attached now does not change.
    case allClaims
}
