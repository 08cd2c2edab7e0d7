internal import CommandLineSupport

extension StoreChoice {
    /// Returns the number of event loops.
    ///
    /// SQLite has one writer at a time, so more than one would not help.
    func lanes(_ requested: Int) -> Int {
        switch self {
        case .file: 1
        case .server: requested
        }
    }
}
