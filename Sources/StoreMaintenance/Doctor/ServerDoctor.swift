internal import PostgresStore
internal import TaskStore

/// The checks of a PostgreSQL server.
struct ServerDoctor {
    /// The server's URI.
    var address: String

    func examine() throws -> [Finding] {
        do {
            let connection = try PostgresMaintenance.connect(address)
            guard try connection.ask("SELECT to_regclass('schema_version') IS NOT NULL").bool(0, 0) else {
                throw StoreError(.unusable, "PostgreSQL: there are no tables of Beanrow")
            }
            return [
                try schema(connection), try counts(connection), try sync(connection), try transactions(connection),
                try deadRows(connection),
            ]
        } catch let error as PostgresError {
            throw error.storeError
        }
    }

    private func schema(_ connection: PostgresConnection) throws -> Finding {
        let version = try connection.ask("SELECT max(version) FROM schema_version").int64(0, 0)
        if version >= Schema.unfinishedImport {
            return .error("schema", "an import is not complete", "run the same beanrow import again")
        }
        if version < Schema.version {
            return .warning(
                "schema",
                "version \(version), and this program uses version \(Schema.version)",
                "beanrow migrate, or start a manager of this version"
            )
        }
        return version == Schema.version
            ? .ok("schema", "version \(version)")
            : .error("schema", "version \(version) is newer than this program", "use a newer beanrow")
    }

    private func counts(_ connection: PostgresConnection) throws -> Finding {
        let wrong = try connection.ask(Self.wrongCounts)
        guard wrong.count > 0 else { return .ok("counts", "the counts of all tubes are right") }
        let names = (0..<min(3, wrong.count)).map { wrong.text($0, 0) }
        return .error(
            "counts",
            "wrong for \(wrong.count) tubes, such as \(names.joined(separator: ", "))",
            "stop the managers, then: beanrow doctor --repair"
        )
    }

    private func sync(_ connection: PostgresConnection) throws -> Finding {
        let settings = try connection.ask("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        if settings.text(0, 0) == "off" || settings.text(0, 1) == "off" {
            return .error(
                "durability",
                "fsync is \(settings.text(0, 0)), synchronous_commit is \(settings.text(0, 1))",
                "switch both on in postgresql.conf: a crash of the server may lose acknowledged tasks"
            )
        }
        return .ok("durability", "fsync is on, synchronous_commit is \(settings.text(0, 1))")
    }

    private func transactions(_ connection: PostgresConnection) throws -> Finding {
        let old = try connection.ask(
            """
            SELECT pid, extract(epoch FROM now() - xact_start)::bigint, application_name FROM pg_stat_activity
            WHERE xact_start < now() - interval '60 seconds' AND datname = current_database() AND pid <> pg_backend_pid()
            ORDER BY xact_start LIMIT 1
            """
        )
        guard old.count > 0 else { return .ok("transactions", "none is older than a minute") }
        let process = old.int32(0, 0)
        return .warning(
            "transactions",
            "backend \(process) (\(old.text(0, 2))) has had a transaction open for \(old.int64(0, 1)) s; dead rows cannot be "
                + "removed before it ends",
            "let it end, or: SELECT pg_terminate_backend(\(process))"
        )
    }

    private func deadRows(_ connection: PostgresConnection) throws -> Finding {
        let rows = try connection.ask(
            """
            SELECT n_dead_tup, n_live_tup FROM pg_stat_user_tables
            WHERE relname = 'task_state' AND schemaname = current_schema()
            """
        )
        guard rows.count > 0 else { return .ok("dead rows", "unknown") }
        let (dead, live) = (rows.int64(0, 0), rows.int64(0, 1))
        guard dead > 1_000_000, dead > 10 * live else { return .ok("dead rows", "\(dead), beside \(live) tasks") }
        return .warning(
            "dead rows",
            "\(dead), beside \(live) tasks",
            "find out why autovacuum cannot keep up, then: VACUUM beanrow.task_state"
        )
    }

    func repairCounts() throws -> [String] {
        do {
            let connection = try PostgresMaintenance.connect(address)
            try PostgresMaintenance.checkVersion(connection)
            try connection.execute("BEGIN; LOCK TABLE manager, tube, tube_count, task_state IN ACCESS EXCLUSIVE MODE")
            guard try !connection.ask("SELECT EXISTS (SELECT 1 FROM manager)").bool(0, 0) else {
                throw StoreError(.inUse, "PostgreSQL: managers serve the tables: stop them first, then repair")
            }
            let wrong = try connection.ask(Self.wrongCounts)
            try connection.execute(Self.repair, until: .now + .seconds(3600))
            try connection.execute("COMMIT")
            return (0..<wrong.count).map { wrong.text($0, 0) }
        } catch let error as PostgresError {
            throw error.storeError
        }
    }

    private static let counted = """
        SELECT tube AS name, count(*) FILTER (WHERE state = 'pending') AS pending,
            count(*) FILTER (WHERE state = 'pending' AND priority < 1024) AS urgent,
            count(*) FILTER (WHERE state = 'delayed') AS delayed, count(*) FILTER (WHERE state = 'claimed') AS claimed,
            count(*) FILTER (WHERE state = 'buried') AS buried
        FROM task_state GROUP BY tube
        """

    private static let wrongCounts = """
        SELECT coalesce(sums.tube, found.name)
        FROM (
            SELECT tube, sum(pending) AS pending, sum(urgent) AS urgent, sum(delayed) AS delayed, sum(claimed) AS claimed,
                sum(buried) AS buried
            FROM tube_count GROUP BY tube
        ) AS sums
        FULL JOIN (\(counted)) AS found ON found.name = sums.tube
        WHERE (
            coalesce(sums.pending, 0), coalesce(sums.urgent, 0), coalesce(sums.delayed, 0), coalesce(sums.claimed, 0),
            coalesce(sums.buried, 0)
        ) <> (
            coalesce(found.pending, 0), coalesce(found.urgent, 0), coalesce(found.delayed, 0), coalesce(found.claimed, 0),
            coalesce(found.buried, 0)
        )
        ORDER BY 1
        """

    /// One row per tube with the right counts takes the place of all others.
    private static let repair = """
        CREATE TEMPORARY TABLE repaired ON COMMIT DROP AS
        SELECT coalesce(sums.tube, found.name) AS tube, coalesce(found.pending, 0) AS pending,
            coalesce(found.urgent, 0) AS urgent, coalesce(found.delayed, 0) AS delayed, coalesce(found.claimed, 0) AS claimed,
            coalesce(found.buried, 0) AS buried, coalesce(sums.total_tasks, 0) AS total_tasks,
            coalesce(sums.deletes, 0) AS deletes
        FROM (SELECT tube, sum(total_tasks) AS total_tasks, sum(deletes) AS deletes FROM tube_count GROUP BY tube) AS sums
        FULL JOIN (\(counted)) AS found ON found.name = sums.tube;
        DELETE FROM tube_count;
        INSERT INTO tube_count (tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes)
        SELECT tube, 0, pending, urgent, delayed, claimed, buried, total_tasks, deletes FROM repaired
        """
}
