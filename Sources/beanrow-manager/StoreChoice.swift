/// The store of the tasks: an SQLite file, or a PostgreSQL server.
enum StoreChoice {
    case file(String)
    case server(String)

    /// Reads the value of `--database`: a server if it is a URI that libpq accepts, otherwise a file.
    init(_ database: String) {
        let isServer = database.hasPrefix("postgres://") || database.hasPrefix("postgresql://")
        self = isServer ? .server(database) : .file(database)
    }

    /// Returns whether a value of `--database` looks like a server but is no URI.
    ///
    /// It must not be used as a file name, since file names are in many messages, and this may contain a password.
    static func isMistaken(_ database: String) -> Bool {
        let text = database.lowercased().drop { $0 == " " || $0 == "\"" || $0 == "'" }
        if database.hasPrefix("postgres://") || database.hasPrefix("postgresql://") { return false }
        // The start of "user:password@host" without a scheme.
        if let at = text.firstIndex(of: "@"), text[..<at].contains(":"), !text[..<at].contains("/") { return true }
        return text.contains("://") || text.contains("password=")
            || (text.hasPrefix("postgres") && (text.contains(":") || text.contains("@")))
    }

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
