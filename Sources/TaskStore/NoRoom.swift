/// Why a store takes no tasks at the moment.
public enum NoRoom: Sendable, Hashable, CustomStringConvertible {
    /// A file cannot grow.
    case disk

    /// The store's log is as long as it may become.
    case log

    /// All task ids have been used.
    case ids

    /// A short text for a person.
    public var description: String {
        switch self {
        case .disk: "the disk is full, a quota is used up, or a file is as long as it may become"
        case .log: "the log is as long as it may become, and some program that reads keeps it from being emptied"
        case .ids: "all task ids are used up"
        }
    }
}
