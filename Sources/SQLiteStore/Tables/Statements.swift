/// The statements of the batches, prepared once.
///
/// They repeat the partial indexes' predicates literally, or SQLite would not use the indexes. Where a subquery gives the
/// ids, NOT INDEXED keeps the outer statement from walking a whole state instead, which SQLite may take for quicker after
/// ANALYZE. The tests hold every one against its plan. Those that end or extend a claim name the holder.
struct Statements {
    // Transactions.
    let begin: Statement
    let beginRead: Statement
    let commit: Statement
    let dataVersion: Statement
    let pageCount: Statement

    // Tubes.
    let tubeByName: Statement
    let tubeByID: Statement
    let insertTube: Statement
    let deleteTube: Statement
    let closeGapOfTubes: Statement
    let countTasks: Statement
    let otherUsers: Statement
    let setUsers: Statement
    let deleteUsers: Statement
    let addCounts: Statement
    let pauseTube: Statement
    let pauseEnd: Statement
    let nextPauseEnd: Statement
    let endedPauses: Statement
    let hasPending: Statement

    // Time.
    let nextDue: Statement
    let makeDuePending: Statement

    // Tasks.
    let insertState: Statement
    let insertBody: Statement
    let readTask: Statement
    let readBody: Statement
    let readRange: Statement
    let readBodyRange: Statement
    let front: Statement
    let claimOne: Statement
    let claimRange: Statement
    let claimByID: Statement
    let delete: Statement
    let deleteClaimed: Statement
    let deleteKnown: Statement
    let deleteRange: Statement
    let deleteKnownRange: Statement
    let deleteBody: Statement
    let deleteBodyRange: Statement
    let release: Statement
    let bury: Statement
    let touch: Statement
    let expire: Statement
    let giveBack: Statement
    let overdueClaim: Statement
    let endOverdueClaims: Statement
    let kickBuried: Statement
    let kickDelayed: Statement
    let kickOne: Statement
    let firstPending: Statement
    let firstDelayed: Statement
    let firstBuried: Statement

    // Statistics.
    let taskStatistics: Statement
    let tubeStatistics: Statement
    let storeStatistics: Statement
    let listTubes: Statement

    let oldestPending: Statement

    // Named sessions.
    let sessionByName: Statement
    let sessionConnection: Statement
    let insertSession: Statement
    let takeSession: Statement
    let leaveSession: Statement
    let leaveSessions: Statement
    let deleteIdleSession: Statement
    let deleteIdleSessions: Statement
    let renameHolder: Statement
    let claimsOfHolder: Statement
    let nextNamedEnd: Statement
    let endNamedClaims: Statement
    let restartNamedClaims: Statement

    // Unique keys.
    let findKey: Statement
    let setKey: Statement
    let retireKey: Statement
    let forgetKeys: Statement

    // Clearing.
    let clearPending: Statement
    let clearDelayed: Statement
    let clearBuried: Statement

    // Managers.
    let managers: Statement
    let managerByID: Statement
    let insertManager: Statement
    let deleteManager: Statement
    let heartbeat: Statement
    let setClaimClock: Statement
    let tubesOfManager: Statement
    let deleteTubesOfManager: Statement

    /// Prepares them all.
    init(_ database: Database) throws(SQLiteError) {
        begin = try database.prepare("BEGIN IMMEDIATE")
        beginRead = try database.prepare("BEGIN")
        commit = try database.prepare("COMMIT")
        dataVersion = try database.prepare("PRAGMA data_version")
        pageCount = try database.prepare("PRAGMA page_count")

        tubeByName = try database.prepare("SELECT id FROM tube WHERE name = ?1")
        tubeByID = try database.prepare("SELECT name FROM tube WHERE id = ?1")
        insertTube = try database.prepare(
            "INSERT INTO tube (name, position) VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM tube))"
        )
        deleteTube = try database.prepare("DELETE FROM tube WHERE id = ?1 RETURNING position")
        closeGapOfTubes = try database.prepare(
            """
            UPDATE tube SET position = ?1
            WHERE position = (SELECT max(position) FROM tube) AND position > ?1
            """
        )
        countTasks = try database.prepare("SELECT pending + delayed + claimed + buried FROM tube WHERE id = ?1")
        otherUsers = try database.prepare("SELECT 1 FROM tube_user WHERE tube_id = ?1 AND manager_id <> ?2 LIMIT 1")
        setUsers = try database.prepare(
            "INSERT OR REPLACE INTO tube_user (tube_id, manager_id, users, watchers) VALUES (?1, ?2, ?3, ?4)"
        )
        deleteUsers = try database.prepare("DELETE FROM tube_user WHERE tube_id = ?1 AND manager_id = ?2")
        addCounts = try database.prepare(
            """
            UPDATE tube SET pending = pending + ?2, urgent = urgent + ?3, delayed = delayed + ?4,
                claimed = claimed + ?5, buried = buried + ?6, total_tasks = total_tasks + ?7, deletes = deletes + ?8
            WHERE id = ?1
            """
        )
        pauseTube = try database.prepare(
            "UPDATE tube SET pause_s = ?2, paused_until_ms = ?3, pauses = pauses + ?4 WHERE id = ?1"
        )
        pauseEnd = try database.prepare("SELECT paused_until_ms FROM tube WHERE id = ?1")
        nextPauseEnd = try database.prepare(
            "SELECT min(paused_until_ms) FROM tube INDEXED BY tube_paused WHERE paused_until_ms IS NOT NULL"
        )
        endedPauses = try database.prepare(
            """
            SELECT id FROM tube INDEXED BY tube_paused
            WHERE paused_until_ms IS NOT NULL AND paused_until_ms <= ?1 ORDER BY paused_until_ms LIMIT ?2
            """
        )
        hasPending = try database.prepare(
            "SELECT 1 FROM tube WHERE name = ?1 AND pending > 0 AND paused_until_ms IS NULL"
        )

        nextDue = try database.prepare("SELECT min(due_ms) FROM task_state WHERE state = 'delayed'")
        makeDuePending = try database.prepare(
            """
            UPDATE task_state NOT INDEXED SET state = 'pending', due_ms = NULL
            WHERE id IN (
                SELECT id FROM task_state WHERE state = 'delayed' AND due_ms <= ?1 ORDER BY due_ms, id LIMIT ?2
            )
            RETURNING tube_id, priority
            """
        )

        insertState = try database.prepare(
            """
            INSERT INTO task_state (tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms, keyed)
            VALUES (?1, iif(?6 IS NULL, 'pending', 'delayed'), ?2, ?3, ?4, ?5, ?6, ?7)
            """
        )
        insertBody = try database.prepare("INSERT INTO task_body (id, body, checksum) VALUES (?1, ?2, ?3)")
        readTask = try database.prepare(
            "SELECT tube_id, state, priority, ttr_s, due_ms, holder, keyed FROM task_state WHERE id = ?1"
        )
        readBody = try database.prepare("SELECT body, checksum FROM task_body WHERE id = ?1")
        readRange = try database.prepare(
            "SELECT tube_id, state, holder, keyed, id FROM task_state NOT INDEXED WHERE id BETWEEN ?1 AND ?2"
        )
        readBodyRange = try database.prepare("SELECT id, body, checksum FROM task_body WHERE id BETWEEN ?1 AND ?2")
        front = try database.prepare(
            """
            SELECT id, priority, ttr_s, keyed FROM task_state
            WHERE state = 'pending' AND tube_id = ?1 ORDER BY priority, id LIMIT ?2
            """
        )
        claimOne = try database.prepare(
            """
            UPDATE task_state SET state = 'claimed', holder = ?1, due_ms = ?2 + ttr_s * 1000, reserves = reserves + 1
            WHERE state = 'pending' AND id = ?3
            """
        )
        claimRange = try database.prepare(
            """
            UPDATE task_state NOT INDEXED SET state = 'claimed', holder = holder_for(id), due_ms = ?1 + ttr_s * 1000,
                reserves = reserves + 1
            WHERE state = 'pending' AND id BETWEEN ?2 AND ?3
            """
        )
        claimByID = try database.prepare(
            """
            UPDATE task_state SET state = 'claimed', holder = ?1, due_ms = ?2 + ttr_s * 1000, buried_order = NULL,
                reserves = reserves + 1
            WHERE id = ?3 AND state <> 'claimed'
            """
        )
        delete = try database.prepare("DELETE FROM task_state WHERE id = ?1 AND state <> 'claimed'")
        deleteClaimed = try database.prepare("DELETE FROM task_state WHERE id = ?1 AND holder = ?2")
        deleteKnown = try database.prepare(
            "DELETE FROM task_state WHERE id = ?1 AND holder = ?2 AND tube_id = ?3 AND keyed = ?4"
        )
        deleteRange = try database.prepare(
            "DELETE FROM task_state NOT INDEXED WHERE id BETWEEN ?1 AND ?2 AND holder = holder_for(id)"
        )
        deleteKnownRange = try database.prepare(
            """
            DELETE FROM task_state NOT INDEXED
            WHERE id BETWEEN ?1 AND ?2 AND holder = holder_for(id) AND tube_id = ?3 AND keyed = 0
            """
        )
        deleteBody = try database.prepare("DELETE FROM task_body WHERE id = ?1")
        deleteBodyRange = try database.prepare("DELETE FROM task_body WHERE id BETWEEN ?1 AND ?2")
        release = try database.prepare(
            """
            UPDATE task_state SET state = iif(?5 IS NULL, 'pending', 'delayed'), priority = ?3, delay_s = ?4, due_ms = ?5,
                holder = NULL, releases = releases + 1
            WHERE id = ?1 AND holder = ?2
            """
        )
        bury = try database.prepare(
            """
            UPDATE task_state SET state = 'buried', priority = ?3, due_ms = NULL, holder = NULL, buries = buries + 1,
                buried_order = (
                    SELECT coalesce(max(buried_order), 0) + 1 FROM task_state WHERE state = 'buried' AND tube_id = ?4
                )
            WHERE id = ?1 AND holder = ?2
            """
        )
        touch = try database.prepare(
            "UPDATE task_state SET due_ms = ?3 + ttr_s * 1000 WHERE id = ?1 AND holder = ?2"
        )
        expire = try database.prepare(
            """
            UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
            WHERE id = ?1 AND holder = ?2
            """
        )
        giveBack = try database.prepare(
            """
            UPDATE task_state NOT INDEXED SET state = 'pending', due_ms = NULL, holder = NULL
            WHERE state = 'claimed' AND id IN (
                SELECT id FROM task_state WHERE state = 'claimed' AND holder BETWEEN ?1 AND ?2 LIMIT ?3
            )
            RETURNING tube_id, priority
            """
        )
        overdueClaim = try database.prepare(
            "SELECT 1 FROM task_state WHERE state = 'claimed' AND holder BETWEEN ?1 AND ?2 AND due_ms <= ?3 LIMIT 1"
        )
        endOverdueClaims = try database.prepare(
            """
            UPDATE task_state NOT INDEXED SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
            WHERE state = 'claimed' AND id IN (
                SELECT id FROM task_state
                WHERE state = 'claimed' AND holder BETWEEN ?1 AND ?2 AND due_ms <= ?3 LIMIT ?4
            )
            RETURNING tube_id, priority
            """
        )
        kickBuried = try database.prepare(
            """
            UPDATE task_state NOT INDEXED SET state = 'pending', buried_order = NULL, kicks = kicks + 1
            WHERE state = 'buried' AND id IN (
                SELECT id FROM task_state WHERE state = 'buried' AND tube_id = ?1 ORDER BY buried_order, id LIMIT ?2
            )
            RETURNING priority
            """
        )
        kickDelayed = try database.prepare(
            """
            UPDATE task_state NOT INDEXED SET state = 'pending', due_ms = NULL, kicks = kicks + 1
            WHERE state = 'delayed' AND id IN (
                SELECT id FROM task_state WHERE state = 'delayed' AND tube_id = ?1 ORDER BY due_ms, id LIMIT ?2
            )
            RETURNING priority
            """
        )
        kickOne = try database.prepare(
            """
            UPDATE task_state SET state = 'pending', due_ms = NULL, buried_order = NULL, kicks = kicks + 1
            WHERE id = ?1 AND state IN ('buried', 'delayed')
            """
        )
        firstPending = try database.prepare(
            "SELECT id FROM task_state WHERE state = 'pending' AND tube_id = ?1 ORDER BY priority, id LIMIT 1"
        )
        firstDelayed = try database.prepare(
            "SELECT id FROM task_state WHERE state = 'delayed' AND tube_id = ?1 ORDER BY due_ms, id LIMIT 1"
        )
        firstBuried = try database.prepare(
            "SELECT id FROM task_state WHERE state = 'buried' AND tube_id = ?1 ORDER BY buried_order, id LIMIT 1"
        )

        taskStatistics = try database.prepare(
            """
            SELECT tube_id, state, priority, created_ms, delay_s, ttr_s, due_ms, reserves, timeouts, releases, buries, kicks
            FROM task_state WHERE id = ?1
            """
        )
        tubeStatistics = try database.prepare(
            """
            SELECT pending, urgent, delayed, claimed, buried, total_tasks, deletes, pauses, pause_s, paused_until_ms,
                (SELECT coalesce(sum(users), 0) FROM tube_user WHERE tube_id = tube.id),
                (SELECT coalesce(sum(watchers), 0) FROM tube_user WHERE tube_id = tube.id)
            FROM tube WHERE id = ?1
            """
        )
        storeStatistics = try database.prepare(
            """
            SELECT sum(pending), sum(urgent), sum(delayed), sum(claimed), sum(buried), count(*),
                (SELECT seq FROM sqlite_sequence WHERE name = 'task_state')
            FROM tube
            """
        )
        listTubes = try database.prepare("SELECT name FROM tube ORDER BY position")

        oldestPending = try database.prepare(
            """
            SELECT priority, created_ms FROM task_state
            WHERE state = 'pending' AND tube_id = ?1 AND priority > ?2 ORDER BY priority, id LIMIT 1
            """
        )

        sessionByName = try database.prepare("SELECT id, connection FROM session WHERE name = ?1")
        sessionConnection = try database.prepare("SELECT connection FROM session WHERE id = ?1")
        insertSession = try database.prepare(
            """
            INSERT OR IGNORE INTO session (id, name, connection, taken_ms)
            SELECT iif((SELECT max(seq) FROM sqlite_sequence WHERE name = 'session') >= ?4, ?5, NULL), ?1, ?2, ?3
            WHERE NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = ?5)
            """
        )
        takeSession = try database.prepare("UPDATE session SET connection = ?2, taken_ms = ?3 WHERE id = ?1")
        leaveSession = try database.prepare("UPDATE session SET connection = NULL WHERE id = ?1 AND connection = ?2")
        leaveSessions = try database.prepare(
            "UPDATE session SET connection = NULL WHERE connection BETWEEN ?1 AND ?2"
        )
        deleteIdleSession = try database.prepare(
            """
            DELETE FROM session WHERE id = ?1 AND connection IS NULL
                AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = ?1)
            """
        )
        deleteIdleSessions = try database.prepare(
            """
            DELETE FROM session WHERE connection IS NULL
                AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = session.id)
            """
        )
        renameHolder = try database.prepare(
            "UPDATE task_state SET holder = ?2 WHERE state = 'claimed' AND holder = ?1"
        )
        claimsOfHolder = try database.prepare(
            "SELECT id, tube_id, ttr_s, due_ms FROM task_state WHERE state = 'claimed' AND holder = ?1"
        )
        nextNamedEnd = try database.prepare(
            "SELECT min(due_ms) FROM task_state WHERE state = 'claimed' AND holder < 4294967296"
        )
        endNamedClaims = try database.prepare(
            """
            UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
            WHERE id IN (
                SELECT id FROM task_state WHERE state = 'claimed' AND holder < 4294967296 AND due_ms <= ?1
                ORDER BY due_ms LIMIT ?2
            )
            RETURNING tube_id, priority
            """
        )

        restartNamedClaims = try database.prepare(
            """
            UPDATE task_state INDEXED BY task_claimed_named SET due_ms = ?1 + ttr_s * 1000
            WHERE state = 'claimed' AND holder < 4294967296
            """
        )

        findKey = try database.prepare("SELECT task_id, kept_until_ms FROM unique_key WHERE tube = ?1 AND key = ?2")
        setKey = try database.prepare("INSERT OR REPLACE INTO unique_key (tube, key, task_id) VALUES (?1, ?2, ?3)")
        retireKey = try database.prepare("UPDATE unique_key SET kept_until_ms = ?2 WHERE task_id = ?1")
        forgetKeys = try database.prepare(
            """
            DELETE FROM unique_key WHERE (tube, key) IN (
                SELECT tube, key FROM unique_key WHERE kept_until_ms IS NOT NULL AND kept_until_ms <= ?1
                ORDER BY kept_until_ms LIMIT ?2
            )
            """
        )

        clearPending = try database.prepare(
            """
            DELETE FROM task_state WHERE id IN (
                SELECT id FROM task_state WHERE state = 'pending' AND tube_id = ?1 ORDER BY priority, id LIMIT ?2
            )
            RETURNING id, priority, keyed
            """
        )
        clearDelayed = try database.prepare(
            """
            DELETE FROM task_state WHERE id IN (
                SELECT id FROM task_state WHERE state = 'delayed' AND tube_id = ?1 ORDER BY due_ms, id LIMIT ?2
            )
            RETURNING id, priority, keyed
            """
        )
        clearBuried = try database.prepare(
            """
            DELETE FROM task_state WHERE id IN (
                SELECT id FROM task_state WHERE state = 'buried' AND tube_id = ?1 ORDER BY buried_order, id LIMIT ?2
            )
            RETURNING id, priority, keyed
            """
        )

        managers = try database.prepare("SELECT id, name, slot FROM manager ORDER BY id")
        managerByID = try database.prepare("SELECT 1 FROM manager WHERE id = ?1")
        insertManager = try database.prepare(
            """
            INSERT INTO manager (name, address, pid, slot, version, started_ms, heartbeat_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
            """
        )
        deleteManager = try database.prepare("DELETE FROM manager WHERE id = ?1")
        heartbeat = try database.prepare("UPDATE manager SET heartbeat_ms = ?2 WHERE id = ?1")
        setClaimClock = try database.prepare(
            "UPDATE claim_clock SET ahead_ms = ?1 WHERE abs(ahead_ms - ?1) > ?2"
        )
        tubesOfManager = try database.prepare("SELECT tube_id FROM tube_user WHERE manager_id = ?1")
        deleteTubesOfManager = try database.prepare("DELETE FROM tube_user WHERE manager_id = ?1")
    }
}
