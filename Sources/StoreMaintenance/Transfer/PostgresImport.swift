internal import PostgresStore
internal import TaskStore

/// Fills the tables on a PostgreSQL server.
///
/// Until it is complete, the version of the tables is `Schema.unfinishedImport` or larger, so that every manager refuses them.
final class PostgresImport: ImportTarget {
    private let connection: PostgresConnection

    /// Connects.
    ///
    /// - Parameter address: the server's URI.
    /// - Throws: `StoreError`
    init(address: String) throws {
        do {
            connection = try PostgresMaintenance.connect(address)
        } catch let error as PostgresError {
            throw error.storeError
        }
    }

    func begin(_ header: ExportHeader) throws -> Int {
        try postgres {
            // Held until the connection ends: two imports at the same time would mix.
            guard try connection.ask("SELECT pg_try_advisory_lock(1113940334, 1)").bool(0, 0) else {
                throw StoreError(.inUse, "PostgreSQL: another import is running")
            }
            guard try connection.ask("SELECT to_regclass('import') IS NOT NULL").bool(0, 0) else {
                return try prepare(header)
            }
            let known = try connection.ask("SELECT export, lines FROM import")
            guard known.text(0, 0) == header.export else {
                throw StoreError(
                    .unusable,
                    "PostgreSQL: the tables have a part of another export: finish that import, or drop the schema "
                        + PostgresMaintenance.schema
                )
            }
            return Int(known.int64(0, 1))
        }
    }

    private func prepare(_ header: ExportHeader) throws -> Int {
        try Schema.establish(connection, PostgresMaintenance.schema, until: .now + .seconds(30))
        try connection.execute(
            """
            BEGIN;
            LOCK TABLE manager, tube, task_state, session, unique_key, tube_count, schema_version IN ACCESS EXCLUSIVE MODE
            """
        )
        for (table, what) in [
            ("manager", "managers serve the tables, or were killed: stop them, or start one and stop it with SIGTERM"),
            ("task_state", "the tables have tasks"), ("unique_key", "the tables have keys"),
            ("session", "the tables have sessions"),
        ] {
            guard try !connection.ask("SELECT EXISTS (SELECT 1 FROM \(table))").bool(0, 0) else {
                try connection.execute("ROLLBACK")
                throw StoreError(.unusable, "PostgreSQL: \(what); import into empty tables")
            }
        }
        try connection.execute(
            """
            DELETE FROM tube;
            DELETE FROM tube_count;
            CREATE TABLE import (export text NOT NULL, lines bigint NOT NULL);
            INSERT INTO import VALUES ('\(header.export.filter { $0.isHexDigit || $0 == "-" })', 1);
            UPDATE schema_version SET version = version + \(Schema.unfinishedImport);
            COMMIT
            """
        )
        return 1
    }

    func write(_ batch: ImportBatch, upTo lines: Int) throws {
        try postgres {
            try connection.execute("BEGIN")
            try copy("tube (name, position, pauses, pause_s, paused_until_ms)", batch.tubes) { tube in
                [
                    tube.name, "\(tube.position)", "\(tube.pauses)", "\(tube.pauseSeconds)",
                    Self.text(tube.pausedUntil),
                ]
            }
            try copy("tube_count (tube, manager_id, total_tasks, deletes)", batch.tubes) { tube in
                [tube.name, "0", "\(tube.totalTasks)", "\(tube.deletes)"]
            }
            try copyTasks(batch.tasks)
            try copy("unique_key (tube, key, task_id, kept_until_ms)", batch.keys) { key in
                [key.tube, key.key, "\(key.task)", Self.text(key.keptUntil)]
            }
            try connection.execute("UPDATE import SET lines = \(lines); COMMIT")
        }
    }

    private func copyTasks(_ tasks: [ExportedTask]) throws {
        let columns = """
            task_state (id, tube, state, priority, delay_s, ttr_s, created_ms, due_ms, buried_order, reserves, timeouts,
                releases, buries, kicks, keyed, body)
            """
        var number = 0
        try connection.copyIn("COPY \(columns) FROM STDIN") {
            guard number < tasks.count else { return nil }
            var rows: [UInt8] = []
            while number < tasks.count, rows.count < 1 << 20 {
                Self.append(tasks[number], to: &rows)
                number += 1
            }
            return rows
        }
    }

    private func copy<Value>(_ columns: String, _ values: [Value], _ fields: (Value) -> [String]) throws {
        guard !values.isEmpty else { return }
        var isSent = false
        try connection.copyIn("COPY \(columns) FROM STDIN") {
            guard !isSent else { return nil }
            isSent = true
            let lines = values.map { value in
                fields(value).map(Self.escaped).joined(separator: "\t") + "\n"
            }
            return Array(lines.joined().utf8)
        }
    }

    private static func append(_ task: ExportedTask, to rows: inout [UInt8]) {
        let fields = [
            "\(task.id)", escaped(task.tube), task.state, "\(task.priority)", "\(task.delay)", "\(task.timeToRun)",
            "\(task.created)", text(task.due), text(task.buriedOrder), "\(task.reserves)", "\(task.timeouts)",
            "\(task.releases)", "\(task.buries)", "\(task.kicks)", task.isKeyed ? "t" : "f",
        ]
        rows += fields.joined(separator: "\t").utf8
        rows += Array("\t\\\\x".utf8)
        let digits = Array("0123456789abcdef".utf8)
        rows.reserveCapacity(rows.count + task.body.count * 2 + 1)
        for byte in task.body {
            rows.append(digits[Int(byte >> 4)])
            rows.append(digits[Int(byte & 0xF)])
        }
        rows.append(UInt8(ascii: "\n"))
    }

    private static func text(_ number: Int64?) -> String {
        number.map { "\($0)" } ?? "\\N"
    }

    /// Returns a text as COPY reads it; `\N`, the null, stays as it is.
    private static func escaped(_ text: String) -> String {
        if text == "\\N" || !text.utf8.contains(where: { $0 == UInt8(ascii: "\\") || $0 < 0x20 }) { return text }
        return text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n").replacing("\t", with: "\\t")
            .replacing("\r", with: "\\r")
    }

    func finish(_ header: ExportHeader, _ end: ExportEnd) throws {
        try postgres {
            for (table, expected) in [("task_state", end.tasks), ("unique_key", end.keys)] {
                let found = try connection.ask("SELECT count(*) FROM \(table)").int64(0, 0)
                guard found == expected else {
                    throw StoreError(.failed, "PostgreSQL: \(table) has \(found) rows, and the export has \(expected)")
                }
            }
            let strange = try connection.ask(
                "SELECT min(tube) FROM task_state WHERE NOT EXISTS (SELECT 1 FROM tube WHERE tube.name = task_state.tube)"
            )
            guard strange.isNull(0, 0) else {
                throw StoreError(.unusable, "the tube \(strange.text(0, 0)) has tasks, and no line of its own")
            }
            try connection.execute("BEGIN; \(Self.counts)")
            try connection.execute(
                """
                SELECT setval('task_id', greatest((SELECT last_value FROM task_id), \(max(1, header.lastTask))));
                SELECT setval('burial', greatest((SELECT last_value FROM burial), 1, (SELECT max(buried_order) FROM task_state)));
                INSERT INTO tube (name, position) SELECT 'default', coalesce(max(position), 0) + 1 FROM tube
                HAVING NOT coalesce(bool_or(name = 'default'), false);
                DROP TABLE import;
                UPDATE schema_version SET version = version - \(Schema.unfinishedImport);
                COMMIT;
                ANALYZE task_state
                """,
                until: .now + .seconds(3600)
            )
        }
    }

    private func postgres<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as PostgresError {
            throw error.storeError
        }
    }

    private static let counts = """
        UPDATE tube_count SET
            pending = found.pending, urgent = found.urgent, delayed = found.delayed, buried = found.buried
        FROM (
            SELECT tube, count(*) FILTER (WHERE state = 'pending') AS pending,
                count(*) FILTER (WHERE state = 'pending' AND priority < 1024) AS urgent,
                count(*) FILTER (WHERE state = 'delayed') AS delayed, count(*) FILTER (WHERE state = 'buried') AS buried
            FROM task_state GROUP BY tube
        ) AS found
        WHERE found.tube = tube_count.tube AND manager_id = 0
        """
}
