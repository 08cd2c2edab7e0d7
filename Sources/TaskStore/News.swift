/// Changes by other managers and programs for which sessions of this manager wait.
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
