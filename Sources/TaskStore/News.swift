/// Changes by other managers and programs for which sessions of this manager wait.
public struct News: Sendable, Equatable {
    /// Tubes in which there may be something to claim.
    public var tubes: [TubeName]

    /// Connections of this manager whose named sessions connections of other managers are attached to now.
    public var superseded: [SessionID]

    /// Makes news.
    public init(tubes: [TubeName] = [], superseded: [SessionID] = []) {
        self.tubes = tubes
        self.superseded = superseded
    }
}
