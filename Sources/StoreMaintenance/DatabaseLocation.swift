/// Where a database is.
package enum DatabaseLocation: Sendable, Equatable {
    /// An SQLite file, by its path.
    case file(String)

    /// A PostgreSQL server, by a connection URI, which may contain a password.
    case server(String)
}
