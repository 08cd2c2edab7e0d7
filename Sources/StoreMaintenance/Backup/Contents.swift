internal import SQLiteStore
internal import TaskStore

/// What a copy of a database holds, found while it was verified.
package struct Contents: Sendable, Equatable {
    /// The version of the schema.
    package var schema: Int64

    package var tubes: Int64
    package var tasks: Int64

    /// The largest task id that was issued.
    package var lastTask: Int64

    /// Checks that a copy, which no other process uses, is whole: its structure, the checksum of each body, and the
    /// counts of each tube.
    ///
    /// - Parameter path: the copy. It is changed to use no log, so that it is one file.
    /// - Returns: what it holds.
    /// - Throws: `StoreError` with the first thing that is wrong.
    static func verify(_ path: String) throws -> Contents {
        do {
            let database = try Database.forMaintenance(path, readOnly: false)
            defer { database.close() }
            try database.execute("PRAGMA locking_mode = EXCLUSIVE")
            guard try database.text("PRAGMA journal_mode = DELETE") == "delete" else {
                throw StoreError(.failed, "\(path): SQLite did not make one file of it")
            }
            return try check(database, path)
        } catch let error as SQLiteError {
            throw error.whileOpening(path)
        }
    }

    /// Checks a database that is open.
    static func check(_ database: Database, _ path: String) throws -> Contents {
        if case .empty = try Schema.inspect(database) { throw StoreError(.unusable, "\(path): empty") }
        guard let problem = try StructureCheck(database).firstProblem() else {
            return Contents(
                schema: try database.integer("PRAGMA user_version") ?? 0,
                tubes: try database.integer("SELECT count(*) FROM tube") ?? 0,
                tasks: try database.integer("SELECT count(*) FROM task_state") ?? 0,
                lastTask: try database.integer("SELECT seq FROM sqlite_sequence WHERE name = 'task_state'") ?? 0
            )
        }
        throw StoreError(.unusable, "\(path): the copy is not whole: \(problem)")
    }
}
