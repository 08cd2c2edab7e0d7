/// The statements that are sent to the server, prepared once per connection.
enum Statement: String, CaseIterable {
    case begin, commit, rollback, session
    case runBatch, runFastPath
    case finishBatch, addCounts, addCountChanges, forgetKeys, removeUnusedTubes
    case wake, subscribe, unsubscribe, findChanges, lookForNews
    case listManagers, addUpChanges, restartNamedClaims, cleanUp, removeDeadManager
    case holdNumber, releaseNumbers, endSessions
    case inspectTubes, inspectTube, inspectTasks, inspectTask, inspectSessions, inspectManagers, inspectStore
    case enter, countUsersAgain, attachSessionsAgain, lastBatch, transactionStatus

    /// The statement's SQL; `functions-*.sql` describe the functions.
    var text: String {
        switch self {
        case .begin: "BEGIN"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .session: "SELECT pg_backend_pid()"
        case .runBatch: "SELECT * FROM run_batch_2(\(placeholders(11)))"
        case .runFastPath: "SELECT * FROM run_fast_path_2(\(placeholders(14)))"
        case .finishBatch:
            // Proves that the manager is not considered dead, renews its lease, and adds the counts of one tube.
            """
            WITH known AS (
                UPDATE manager SET batches = $2::bigint, heartbeat_ms = now_ms()
                WHERE id = $1::bigint AND fence = $3::bigint RETURNING id
            )
            SELECT CASE
                WHEN NOT EXISTS (SELECT 1 FROM known) THEN raise_unknown_manager_2($1)
                WHEN $4::text IS NOT NULL THEN add_counts_2($1, $4, $5, $6, $7, $8, $9, $10, $11)
            END
            """
        case .addCounts:
            "SELECT add_counts_2($1, \(Self.countColumns)) FROM unnest(\(Self.countArrays)) AS given (\(Self.countColumns))"
        case .addCountChanges:
            // Inserts rows, since another program may have locked this manager's own rows.
            """
            INSERT INTO tube_count (manager_id, \(Self.countColumns))
            SELECT -nextval('count_change'), \(Self.countColumns)
            FROM unnest(\(Self.countArrays)) AS given (\(Self.countColumns)) WHERE $1::bigint IS NOT NULL
            """
        case .forgetKeys: "SELECT forget_keys_2($1, $2)"
        case .removeUnusedTubes: "SELECT remove_unused_tubes_2($1)"
        case .wake:
            // Does what the function of this name does, without the cost of a call.
            """
            SELECT pg_notify(current_schema() || '.' || manager_id, '') FROM awaited
            WHERE tube = ANY ($1::text[]) AND manager_id <> $2::bigint GROUP BY manager_id
            """
        case .subscribe: "SELECT subscribe_2($1, $2)"
        case .unsubscribe: "SELECT unsubscribe_2($1, $2)"
        case .findChanges: "SELECT * FROM find_changes_2($1, $2)"
        case .lookForNews:
            // A tube whose pause is over counts as paused until a batch ends the pause, which reports that.
            """
            SELECT name, NULL::bigint FROM unnest($1::text[]) AS given (name)
            WHERE EXISTS (SELECT 1 FROM task_state WHERE state = 'pending' AND tube = given.name)
                AND NOT EXISTS (SELECT 1 FROM tube WHERE tube.name = given.name AND paused_until_ms IS NOT NULL)
            UNION ALL
            SELECT NULL, mine.connection FROM unnest($2::bigint[], $3::bigint[]) AS mine (id, connection)
            WHERE NOT EXISTS (SELECT 1 FROM session WHERE id = mine.id AND session.connection = mine.connection)
            """
        case .listManagers: "SELECT * FROM list_managers_3($1, $2, $3)"
        case .addUpChanges: "SELECT add_up_changes_2($1, $2)"
        case .inspectTubes: "SELECT * FROM inspect_tubes_3(\(placeholders(6)))"
        case .inspectTube: "SELECT numbers FROM tube_statistics_2(0, $1, coalesce($2, now_ms()))"
        case .inspectTasks: "SELECT * FROM inspect_tasks_3(\(placeholders(10)))"
        case .inspectTask: "SELECT * FROM inspect_task_3($1, $2, $3)"
        case .inspectSessions: "SELECT * FROM inspect_sessions_3(\(placeholders(6)))"
        case .inspectManagers: "SELECT * FROM inspect_managers_3()"
        case .inspectStore: "SELECT * FROM inspect_store_3()"
        case .restartNamedClaims: "SELECT restart_named_claims_2($1)"
        case .cleanUp: "SELECT clean_up_2($1)"
        case .removeDeadManager: "SELECT * FROM remove_dead_manager_2($1, $2, $3)"
        case .holdNumber: "SELECT pg_try_advisory_lock_shared(\(Self.numberKey), $1::bigint::integer)"
        case .releaseNumbers: "SELECT pg_advisory_unlock_all()"
        case .endSessions:
            // A session that waits for a standby is left: its transaction is committed, and the standby decides how long it
            // lasts. Sessions of another user cannot be ended.
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND classid = current_schema()::regnamespace AND objid = $1::bigint::oid
                AND objsubid = 2 AND database = datid AND datname = current_database() AND usename = current_user
                AND pid <> pg_backend_pid() AND wait_event IS DISTINCT FROM 'SyncRep'
                AND (
                    $2::bigint IS NULL OR NOT EXISTS (
                        SELECT 1 FROM manager WHERE id = $1 AND fence >= 0
                            AND batches + coalesce((SELECT beats FROM heartbeat WHERE manager_id = $1), 0) <> $2
                    )
                )
            """
        case .enter:
            """
            SELECT id, pg_try_advisory_lock_shared(\(Self.numberKey), id::integer)
            FROM enter_3(\(placeholders(7))) AS id
            """
        case .countUsersAgain: "SELECT count_users_again_2($1, $2, $3, $4)"
        case .attachSessionsAgain: "SELECT attach_sessions_again_2($1, $2, $3)"
        case .lastBatch: "SELECT * FROM last_batch_2($1)"
        case .transactionStatus: "SELECT txid_status($1::text::bigint)"
        }
    }

    /// The first key of the advisory lock that has a manager's number as the second.
    ///
    /// Managers of another schema have the same numbers.
    private static let numberKey = "current_schema()::regnamespace::oid::integer"

    /// The columns of a count change, in the order of ``CountChange/all``.
    private static let countColumns = "tube, pending, urgent, delayed, claimed, buried, total_tasks, deletes"

    /// The parameters from the second on: an array per column.
    private static let countArrays = "$2::text[], " + (3...9).map { "$\($0)::bigint[]" }.joined(separator: ", ")

    private func placeholders(_ count: Int) -> String {
        (1...count).map { "$\($0)" }.joined(separator: ", ")
    }
}
