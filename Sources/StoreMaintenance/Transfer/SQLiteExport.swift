internal import CPlatform
internal import SQLiteStore
internal import TaskStore

/// Reads the lines of an export from an SQLite file.
struct SQLiteExport {
    /// The file.
    var path: String

    /// The length of the log in bytes at which it gives up.
    var logLimit: Int64

    /// Writes all lines except the last one, out of one snapshot.
    ///
    /// - Throws: `StoreError`, also if the checksum of a body is wrong.
    func write(to sink: ExportSink) throws {
        let database = try MaintenanceDatabase.openForReading(path)
        defer { database.close() }
        do {
            try database.execute("BEGIN")
            let last = try database.integer("SELECT seq FROM sqlite_sequence WHERE name = 'task_state'") ?? 0
            try sink.write(Export.header(store: "sqlite", lastTask: last))
            try writeTubes(of: database, to: sink)
            try writeTasks(of: database, to: sink)
            try writeKeys(of: database, to: sink)
            try database.execute("COMMIT")
        } catch let error as SQLiteError {
            throw error.whileOpening(path)
        }
    }

    private func writeTubes(of database: Database, to sink: ExportSink) throws {
        let sql = """
            SELECT name, position, pauses, pause_s, paused_until_ms, total_tasks, deletes FROM tube
            WHERE position IS NOT NULL ORDER BY position
            """
        try database.forEach(sql) { row in
            let tube = ExportedTube(
                name: row.text(0),
                position: row.int(1),
                pauses: row.int(2),
                pauseSeconds: row.int(3),
                pausedUntil: row.optionalInt(4),
                totalTasks: row.int(5),
                deletes: row.int(6)
            )
            try sink.write(.tube(tube))
        }
    }

    private func writeTasks(of database: Database, to sink: ExportSink) throws {
        var names: [Int64: String] = [:]
        try database.forEach("SELECT id, name FROM tube") { row in names[row.int(0)] = row.text(1) }
        // CROSS JOIN keeps SQLite from changing the order of the tables, and so from sorting.
        let sql = """
            SELECT task_state.id, tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms, buried_order, reserves,
                timeouts, releases, buries, kicks, keyed, checksum, body
            FROM task_state CROSS JOIN task_body ON task_body.id = task_state.id ORDER BY task_state.id
            """
        let length = "\(path)-wal"
        try database.forEach(sql) { row in
            let state = row.text(2)
            let isClaimed = state == "claimed"
            let id = row.int(0)
            let task = ExportedTask(
                id: id,
                tube: names[row.int(1)] ?? "",
                state: isClaimed ? "pending" : state,
                priority: row.int(3),
                delay: row.int(4),
                timeToRun: row.int(5),
                created: row.int(6),
                due: isClaimed ? nil : row.optionalInt(7),
                buriedOrder: row.optionalInt(8),
                reserves: row.int(9),
                timeouts: row.int(10),
                releases: row.int(11),
                buries: row.int(12),
                kicks: row.int(13),
                isKeyed: row.int(14) == 1,
                body: []
            )
            try row.withBytes(16) { body in
                if let checksum = row.optionalInt(15), checksum != BodyChecksum.of(id, body) {
                    throw StoreError(.unusable, "\(path): the body of task \(id) is damaged: restore a backup")
                }
                try sink.write(task, body: body)
            }
            guard sink.end.tasks % 1000 != 0 || fileLength(length) < logLimit else {
                throw StoreError(
                    .failed,
                    "\(path): gave up after \(sink.end.tasks) tasks, since the log has grown to \(fileLength(length)) "
                        + "bytes, which is the limit: export while there is less load, or export a backup"
                )
            }
        }
    }

    private func writeKeys(of database: Database, to sink: ExportSink) throws {
        try database.forEach("SELECT tube, key, task_id, kept_until_ms FROM unique_key ORDER BY tube, key") { row in
            try sink.write(
                .key(ExportedKey(tube: row.text(0), key: row.text(1), task: row.int(2), keptUntil: row.optionalInt(3)))
            )
        }
    }
}
