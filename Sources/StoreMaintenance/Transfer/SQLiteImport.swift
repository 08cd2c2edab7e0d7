internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// Fills an SQLite file.
///
/// It writes to `NAME.importing`, which gets its final name when it is complete, so that no manager sees a part.
final class SQLiteImport: ImportTarget {
    private let path: String
    private let partial: String
    private var database: Database?
    private var tubes: [String: Int64] = [:]
    private var descriptor: Int32

    /// Opens the file that is filled.
    ///
    /// - Parameter path: the database, which does not exist or is empty.
    /// - Throws: `StoreError`, also if another process fills it.
    init(path: String) throws {
        self.path = path
        partial = try StoreFiles(path).database + ".importing"
        descriptor = open(partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(partial): \(lastSystemError())") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StoreError(.inUse, "\(partial): another process writes it")
        }
    }

    deinit {
        database?.close()
        close(descriptor)
    }

    func begin(_ header: ExportHeader) throws -> Int {
        do {
            try MaintenanceDatabase.alone(path, to: "import") { files in _ = try lastID(of: files) }
        } catch {
            if fileLength(partial) == 0 { unlink(partial) }
            throw error
        }
        return try sqlite {
            let database = try Database.forMaintenance(partial, readOnly: false)
            self.database = database
            try database.execute(
                """
                PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                PRAGMA wal_autocheckpoint = 1000; PRAGMA cache_size = -65536
                """
            )
            try Schema.establish(database)
            if try !database.has("import") {
                guard try database.integer("SELECT count(*) FROM task_state") == 0 else {
                    throw StoreError(.unusable, "\(partial): not a part of an import: remove it")
                }
                try database.execute("CREATE TABLE import (export TEXT NOT NULL, lines INTEGER NOT NULL)")
            }
            try database.enableTriggers(false)
            let known = try database.text("SELECT export FROM import")
            guard known.isEmpty || known == header.export else {
                throw StoreError(
                    .unusable,
                    "\(partial): has a part of another export: finish that import, or remove the file"
                )
            }
            if known.isEmpty {
                let insert = try database.prepare("INSERT INTO import VALUES (?1, 1)")
                defer { insert.finalize() }
                insert.bind(header.export, at: 1)
                try insert.run()
            }
            try database.forEach("SELECT id, name FROM tube") { row in tubes[row.text(1)] = row.int(0) }
            return Int(try database.integer("SELECT lines FROM import") ?? 1)
        }
    }

    func write(_ batch: ImportBatch, upTo lines: Int) throws {
        guard let database else { return }
        try sqlite {
            try database.execute("BEGIN IMMEDIATE")
            do {
                try insert(batch.tubes, into: database)
                try insert(batch.tasks, into: database)
                try insert(batch.keys, into: database)
                try database.execute("UPDATE import SET lines = \(lines)")
                try database.execute("COMMIT")
            } catch {
                try? database.rollBack()
                throw error
            }
        }
    }

    private func insert(_ new: [ExportedTube], into database: Database) throws {
        guard !new.isEmpty else { return }
        let insert = try database.prepare(
            """
            INSERT INTO tube (name, position, pauses, pause_s, paused_until_ms, total_tasks, deletes)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (name) DO UPDATE SET position = ?2, pauses = ?3, pause_s = ?4, paused_until_ms = ?5,
                total_tasks = ?6, deletes = ?7
            RETURNING id
            """
        )
        defer { insert.finalize() }
        // The place of "default" is free until its line comes.
        if tubes.count == 1 { try database.execute("UPDATE tube SET position = NULL WHERE id = 1") }
        for tube in new {
            insert.bind(tube.name, at: 1)
            insert.bind(tube.position, at: 2)
            insert.bind(tube.pauses, at: 3)
            insert.bind(tube.pauseSeconds, at: 4)
            insert.bind(tube.pausedUntil, at: 5)
            insert.bind(tube.totalTasks, at: 6)
            insert.bind(tube.deletes, at: 7)
            while try insert.step() { tubes[tube.name] = insert.int(0) }
        }
    }

    private func insert(_ tasks: [ExportedTask], into database: Database) throws {
        guard !tasks.isEmpty else { return }
        let state = try database.prepare(
            """
            INSERT INTO task_state (id, tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms, buried_order,
                reserves, timeouts, releases, buries, kicks, keyed)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            """
        )
        defer { state.finalize() }
        let body = try database.prepare("INSERT INTO task_body (id, checksum, body) VALUES (?1, ?2, ?3)")
        defer { body.finalize() }
        for task in tasks {
            guard let tube = tubes[task.tube] else {
                throw StoreError(.unusable, "task \(task.id) is in the tube \(task.tube), which has no line of its own")
            }
            state.bind(task.id, tube)
            state.bind(task.state, at: 3)
            let numbers = [
                task.priority, task.delay, task.timeToRun, task.created, task.due, task.buriedOrder, task.reserves,
                task.timeouts, task.releases, task.buries, task.kicks, task.isKeyed ? 1 : 0,
            ]
            for (index, number) in numbers.enumerated() { state.bind(number, at: Int32(index) + 4) }
            try state.run()
            body.bind(task.id, task.body.withUnsafeBytes { BodyChecksum.of(task.id, $0) })
            try body.run(binding: task.body, at: 3)
        }
    }

    private func insert(_ keys: [ExportedKey], into database: Database) throws {
        guard !keys.isEmpty else { return }
        let insert = try database.prepare(
            "INSERT INTO unique_key (tube, key, task_id, kept_until_ms) VALUES (?1, ?2, ?3, ?4)"
        )
        defer { insert.finalize() }
        for key in keys {
            insert.bind(key.tube, at: 1)
            insert.bind(key.key, at: 2)
            insert.bind(key.task, at: 3)
            insert.bind(key.keptUntil, at: 4)
            try insert.run()
        }
    }

    func finish(_ header: ExportHeader, _ end: ExportEnd) throws {
        guard let database else { return }
        try sqlite {
            try compare("task_state", end.tasks, "tasks", in: database)
            try compare("unique_key", end.keys, "keys", in: database)
            try database.execute("BEGIN IMMEDIATE")
            try database.execute(Self.counts)
        }
        try MaintenanceDatabase.alone(path, to: "import") { files in
            try sqlite {
                let last = max(header.lastTask, try lastID(of: files))
                try database.execute(
                    """
                    INSERT INTO sqlite_sequence (name, seq) SELECT 'task_state', 0
                    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'task_state');
                    UPDATE sqlite_sequence SET seq = max(seq, \(last)) WHERE name = 'task_state';
                    DROP TABLE import;
                    COMMIT
                    """
                )
                try database.execute("PRAGMA journal_mode = DELETE")
                database.close()
                self.database = nil
            }
            guard fsync(descriptor) == 0 else { throw StoreError(.failed, "\(partial): \(lastSystemError())") }
            guard rename(partial, files.database) == 0 else {
                throw StoreError(.failed, "\(path): \(lastSystemError())")
            }
            try syncDirectory(files.directory)
        }
    }

    /// Checks that the database has no tasks, and empties its log.
    ///
    /// - Returns: the largest id that it has issued; 0 if there is no database.
    private func lastID(of files: StoreFiles) throws -> Int64 {
        guard fileLength(files.database) > 0 else { return 0 }
        let database = try Database.forMaintenance(files.database, readOnly: false)
        defer { database.close() }
        do {
            if case .empty = try Schema.inspect(database) { return 0 }
            for table in ["task_state", "unique_key", "session"] {
                guard try database.integer("SELECT 1 FROM \(table) LIMIT 1") == nil else {
                    throw StoreError(
                        .unusable,
                        "\(path): not empty (\(table) has rows): import into a new file, or move this one away"
                    )
                }
            }
            _ = try database.checkpoint(MaintenanceDatabase.truncate)
            database.removeLogOnClose()
            return try database.integer("SELECT seq FROM sqlite_sequence WHERE name = 'task_state'") ?? 0
        } catch let error as SQLiteError {
            throw error.whileOpening(path)
        }
    }

    private func compare(_ table: String, _ expected: Int, _ name: String, in database: Database) throws {
        let found = try database.integer("SELECT count(*) FROM \(table)") ?? 0
        guard found == expected else {
            throw StoreError(.failed, "\(partial): \(found) \(name) are in it, and the export has \(expected)")
        }
    }

    private func sqlite<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as SQLiteError {
            throw error.whileOpening(partial)
        }
    }

    private static let counts = """
        UPDATE tube SET
            pending = found.pending, urgent = found.urgent, delayed = found.delayed, buried = found.buried
        FROM (
            SELECT tube_id, sum(state = 'pending') AS pending, sum(state = 'pending' AND priority < 1024) AS urgent,
                sum(state = 'delayed') AS delayed, sum(state = 'buried') AS buried
            FROM task_state GROUP BY tube_id
        ) AS found
        WHERE found.tube_id = tube.id;
        UPDATE tube SET position = (SELECT coalesce(max(position), 0) + 1 FROM tube) WHERE position IS NULL
        """
}
