/// What other managers and programs have done that sessions of this manager wait for.
public struct News: Sendable, Equatable {
    /// Tubes in which there may be something to claim.
    public var tubes: [TubeName]

    /// Connections of this manager whose named sessions other managers' connections have taken up.
    public var displaced: [SessionID]

    /// Makes news.
    public init(tubes: [TubeName] = [], displaced: [SessionID] = []) {
        self.tubes = tubes
        self.displaced = displaced
    }
}
