internal import PostgresStore
internal import TaskStore

/// Reads the lines of an export from a PostgreSQL server.
struct PostgresExport {
    /// The server's URI.
    var address: String

    /// Writes all lines except the last one, out of one snapshot.
    ///
    /// - Throws: `StoreError`.
    func write(to sink: ExportSink) throws {
        do {
            let connection = try PostgresMaintenance.connect(address)
            try PostgresMaintenance.checkVersion(connection)
            try connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            let last = try connection.ask("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM task_id")
                .int64(0, 0)
            try sink.write(Export.header(store: "postgresql", lastTask: last))
            try writeTubes(of: connection, to: sink)
            try writeTasks(of: connection, to: sink)
            try writeKeys(of: connection, to: sink)
            try connection.execute("COMMIT")
        } catch let error as PostgresError {
            throw error.storeError
        }
    }

    private func writeTubes(of connection: PostgresConnection, to sink: ExportSink) throws {
        // A tube that only tasks name gets a row from a manager within a second. Here it is named after the others.
        let sql = """
            COPY (
                SELECT name, row_number() OVER (ORDER BY position, name), pauses, pause_s, paused_until_ms, total_tasks, deletes
                FROM (
                    SELECT name, position, pauses, pause_s, paused_until_ms FROM tube
                    UNION ALL
                    SELECT DISTINCT tube, 9223372036854775807, 0, 0, NULL::bigint FROM task_state
                    WHERE NOT EXISTS (SELECT 1 FROM tube WHERE tube.name = task_state.tube)
                ) AS named
                CROSS JOIN LATERAL (
                    SELECT coalesce(sum(total_tasks), 0) AS total_tasks, coalesce(sum(deletes), 0) AS deletes
                    FROM tube_count WHERE tube_count.tube = named.name
                ) AS counted
                ORDER BY 2
            ) TO STDOUT
            """
        try connection.copyOut(sql) { bytes in
            var row = CopyRow(bytes)
            let tube = ExportedTube(
                name: try row.text(),
                position: try row.number(),
                pauses: try row.number(),
                pauseSeconds: try row.number(),
                pausedUntil: try row.optionalNumber(),
                totalTasks: try row.number(),
                deletes: try row.number()
            )
            try sink.write(.tube(tube))
        }
    }

    private func writeTasks(of connection: PostgresConnection, to sink: ExportSink) throws {
        let sql = """
            COPY (
                SELECT id, tube, CASE WHEN state = 'claimed' THEN 'pending' ELSE state END, priority, delay_s, ttr_s,
                    created_ms, CASE WHEN state = 'claimed' THEN NULL ELSE due_ms END, buried_order, reserves, timeouts,
                    releases, buries, kicks, keyed::integer, body
                FROM task_state ORDER BY id
            ) TO STDOUT
            """
        try connection.copyOut(sql) { bytes in
            var row = CopyRow(bytes)
            let task = ExportedTask(
                id: try row.number(),
                tube: try row.text(),
                state: try row.text(),
                priority: try row.number(),
                delay: try row.number(),
                timeToRun: try row.number(),
                created: try row.number(),
                due: try row.optionalNumber(),
                buriedOrder: try row.optionalNumber(),
                reserves: try row.number(),
                timeouts: try row.number(),
                releases: try row.number(),
                buries: try row.number(),
                kicks: try row.number(),
                isKeyed: try row.number() == 1,
                body: []
            )
            try row.bytes().withUnsafeBytes { body in try sink.write(task, body: body) }
        }
    }

    private func writeKeys(of connection: PostgresConnection, to sink: ExportSink) throws {
        let sql = "COPY (SELECT tube, key, task_id, kept_until_ms FROM unique_key ORDER BY tube, key) TO STDOUT"
        try connection.copyOut(sql) { bytes in
            var row = CopyRow(bytes)
            let key = ExportedKey(
                tube: try row.text(),
                key: try row.text(),
                task: try row.number(),
                keptUntil: try row.optionalNumber()
            )
            try sink.write(.key(key))
        }
    }
}
