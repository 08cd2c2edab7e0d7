public import TaskStore

/// Rights in some tubes: one line of a tokens file.
public struct Grant: Hashable, Sendable {
    /// The rights.
    public var rights: RightSet

    /// The tubes in which they hold.
    public var tubes: [TubeGlob]

    /// Makes a grant.
    public init(rights: RightSet, tubes: [TubeGlob]) {
        self.rights = rights
        self.tubes = tubes
    }
}
