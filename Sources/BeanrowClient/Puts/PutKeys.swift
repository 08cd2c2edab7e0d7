internal import TaskStore

/// The keys of the puts of one batch.
enum PutKeys: Sendable {
    /// The puts carry no keys.
    case none

    /// Keys that the client has made up. A manager that does not accept keys gets the tasks without them.
    case generated([UniqueKey])

    /// Keys from the caller. A task must not be put without its key.
    case given([UniqueKey])

    /// The keys, or `nil` if there are none.
    var list: [UniqueKey]? {
        switch self {
        case .none: nil
        case .generated(let keys), .given(let keys): keys
        }
    }

    /// Whether the keys come from the caller.
    var areGiven: Bool {
        if case .given = self { true } else { false }
    }
}
