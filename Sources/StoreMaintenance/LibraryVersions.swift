/// The versions of the libraries that this program is linked with, and of the schemas that it knows.
package struct LibraryVersions: Sendable {
    package var sqlite: String
    package var libpq: String
    package var sqliteSchema: Int64
    package var postgresSchema: Int64

    /// The versions of this program.
    package static var current: LibraryVersions {
        LibraryVersions(
            sqlite: FileMigration.library,
            libpq: ServerMigration.library,
            sqliteSchema: FileMigration.schema,
            postgresSchema: ServerMigration.schema
        )
    }
}
