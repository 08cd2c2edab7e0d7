/// The store of the tasks: an SQLite file, or a PostgreSQL server.
public enum StoreChoice: Sendable, Equatable {
    /// The path of a file.
    case file(String)

    /// A connection URI of libpq's.
    case server(String)

    /// Reads the value of `--database`: a server if it is a URI that libpq accepts, otherwise a file.
    public init(_ database: String) {
        let isServer = database.hasPrefix("postgres://") || database.hasPrefix("postgresql://")
        self = isServer ? .server(database) : .file(database)
    }

    /// Returns whether a value of `--database` looks like a server but is no URI.
    ///
    /// It must not be used as a file name, since file names are in many messages, and this may contain a password.
    public static func isMistaken(_ database: String) -> Bool {
        let text = database.lowercased().drop { $0 == " " || $0 == "\"" || $0 == "'" }
        if database.hasPrefix("postgres://") || database.hasPrefix("postgresql://") { return false }
        // The start of "user:password@host" without a scheme.
        if let at = text.firstIndex(of: "@"), text[..<at].contains(":"), !text[..<at].contains("/") { return true }
        return text.contains("://") || text.contains("password=")
            || (text.hasPrefix("postgres") && (text.contains(":") || text.contains("@")))
    }
}
