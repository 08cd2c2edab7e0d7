import Testing

@testable import SQLiteStore

/// Holds every statement of the batches against the plan that SQLite makes for it.
@Suite struct QueryPlanTests {
    /// What each statement may read, line by line of its plan; a statement that is not here must not read any table.
    private static let plans: [String: [String]] = [
        "tubeByName": ["SEARCH tube USING INDEX sqlite_autoindex_tube_1 (name=?)"],
        "tubeByID": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "insertTube": ["SCALAR SUBQUERY 1", "SEARCH tube USING INDEX sqlite_autoindex_tube_2"],
        "deleteTube": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "closeGapOfTubes": [
            "SEARCH tube USING INDEX sqlite_autoindex_tube_2 (position=?)", "SCALAR SUBQUERY 1",
            "SEARCH tube USING INDEX sqlite_autoindex_tube_2",
        ],
        "countTasks": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "otherUsers": ["SEARCH tube_user USING PRIMARY KEY (tube_id=?)"],
        "deleteUsers": ["SEARCH tube_user USING PRIMARY KEY (tube_id=? AND manager_id=?)"],
        "addCounts": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "pauseTube": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "pauseEnd": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "nextPauseEnd": ["SEARCH tube USING INDEX tube_paused (paused_until_ms>?)"],
        "endedPauses": ["SEARCH tube USING INDEX tube_paused (paused_until_ms>? AND paused_until_ms<?)"],
        "hasPending": ["SEARCH tube USING INDEX sqlite_autoindex_tube_1 (name=?)"],
        "nextDue": ["SEARCH task_state USING INDEX task_due"],
        "makeDuePending": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_due (due_ms<?)",
        ],
        "readTask": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "readBody": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid=?)"],
        "readRange": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "readBodyRange": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "front": ["SEARCH task_state USING INDEX task_pending (tube_id=?)"],
        "claimOne": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "claimRange": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "claimByID": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "delete": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "deleteClaimed": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "deleteKnown": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "deleteRange": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "deleteKnownRange": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "deleteBodyRange": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "deleteBody": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid=?)"],
        "release": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "bury": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_buried (tube_id=?)",
        ],
        "touch": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "expire": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "overdueClaim": ["SEARCH task_state USING INDEX task_claimed (holder>? AND holder<?)"],
        "endOverdueClaims": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder>? AND holder<?)",
        ],
        "giveBack": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder>? AND holder<?)",
        ],
        "kickBuried": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_buried (tube_id=?)",
        ],
        "kickDelayed": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_delayed (tube_id=?)",
        ],
        "kickOne": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "firstPending": ["SEARCH task_state USING INDEX task_pending (tube_id=?)"],
        "firstDelayed": ["SEARCH task_state USING INDEX task_delayed (tube_id=?)"],
        "firstBuried": ["SEARCH task_state USING INDEX task_buried (tube_id=?)"],
        "taskStatistics": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "tubeStatistics": [
            "SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)",
            "CORRELATED SCALAR SUBQUERY 1", "SEARCH tube_user USING PRIMARY KEY (tube_id=?)",
            "CORRELATED SCALAR SUBQUERY 2", "SEARCH tube_user USING PRIMARY KEY (tube_id=?)",
        ],
        "oldestPending": ["SEARCH task_state USING INDEX task_pending (tube_id=? AND priority>?)"],
        "sessionByName": ["SEARCH session USING INDEX sqlite_autoindex_session_1 (name=?)"],
        "sessionConnection": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "takeSession": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "leaveSession": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "leaveSessions": ["SEARCH session USING INDEX session_connection (connection>? AND connection<?)"],
        "deleteIdleSession": [
            "SEARCH session USING INTEGER PRIMARY KEY (rowid=?)", "SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder=?)",
        ],
        "renameHolder": ["SEARCH task_state USING INDEX task_claimed (holder=?)"],
        "claimsOfHolder": ["SEARCH task_state USING INDEX task_claimed (holder=?)"],
        "nextNamedEnd": ["SEARCH task_state USING INDEX task_claimed_named"],
        // All claims of named sessions, once after a start of the machine.
        "restartNamedClaims": ["SCAN task_state USING INDEX task_claimed_named"],
        "endNamedClaims": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed_named (due_ms<?)",
        ],
        "findKey": ["SEARCH unique_key USING PRIMARY KEY (tube=? AND key=?)"],
        "retireKey": ["SEARCH unique_key USING INDEX unique_key_task (task_id=?)"],
        "forgetKeys": [
            "SEARCH unique_key USING PRIMARY KEY (tube=? AND key=?)", "LIST SUBQUERY 1",
            "SEARCH unique_key USING INDEX unique_key_gone (kept_until_ms>? AND kept_until_ms<?)",
        ],
        "clearPending": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_pending (tube_id=?)",
        ],
        "clearDelayed": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_delayed (tube_id=?)",
        ],
        "clearBuried": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_buried (tube_id=?)",
        ],
        // These read all tubes or all managers: their number is small, and that is what is asked for.
        // The sessions too: those that nobody has and that hold nothing are removed every other second.
        "deleteIdleSessions": [
            "SCAN session", "CORRELATED SCALAR SUBQUERY 1", "SEARCH task_state USING INDEX task_claimed (holder=?)",
        ],
        "storeStatistics": ["SCAN tube", "SCALAR SUBQUERY 1", "SCAN sqlite_sequence"],
        "listTubes": ["SCAN tube USING INDEX sqlite_autoindex_tube_2"],
        // The numbers of the tables with AUTOINCREMENT: as many rows as there are such tables.
        "insertSession": [
            "SCAN CONSTANT ROW", "SCALAR SUBQUERY 2", "SEARCH task_state USING INDEX task_claimed (holder=?)",
            "SCALAR SUBQUERY 1", "SEARCH sqlite_sequence",
        ],
        "managers": ["SCAN manager"],
        "managerByID": ["SEARCH manager USING INTEGER PRIMARY KEY (rowid=?)"],
        "deleteManager": ["SEARCH manager USING INTEGER PRIMARY KEY (rowid=?)"],
        // One row.
        "setClaimClock": ["SCAN claim_clock"],
        "heartbeat": ["SEARCH manager USING INTEGER PRIMARY KEY (rowid=?)"],
        "tubesOfManager": ["SEARCH tube_user USING INDEX tube_user_manager (manager_id=?)"],
        "deleteTubesOfManager": ["SEARCH tube_user USING INDEX tube_user_manager (manager_id=?)"],
    ]

    @Test func everyStatementUsesItsIndex() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        try check(store)
        try store.leave()
    }

    /// Statistics of a lopsided table must not lead SQLite away from the indexes: an operator may run ANALYZE.
    @Test func everyStatementUsesItsIndexAfterAnalyze() throws {
        let place = try TemporaryStore()
        try place.open().leave()
        let shell = try place.shell()
        try shell.execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
            INSERT INTO task (tube, body, delay) SELECT iif(i < 20, 'small', 'large'), 'x', iif(i % 100 = 0, 600, 0) FROM n;
            UPDATE task SET state = 'buried' WHERE id % 50 = 1;
            INSERT INTO tube (name) VALUES ('a'), ('b'), ('c');
            ANALYZE;
            """
        )
        let store = try place.open()
        try check(store)
        try store.leave()
    }

    private func check(_ store: SQLiteStore) throws {
        let database = store.parts.database
        var checked = 0
        for child in Mirror(reflecting: store.parts.tables.statements).children {
            let statement = try #require(child.value as? Statement)
            let name = try #require(child.label)
            #expect(try plan(statement.sql, in: database) == Self.plans[name] ?? [], "\(name)")
            checked += 1
        }
        #expect(checked >= Self.plans.count)
    }

    private func plan(_ sql: String, in database: Database) throws -> [String] {
        let statement = try database.prepare("EXPLAIN QUERY PLAN \(sql)")
        defer { statement.finalize() }
        var lines: [String] = []
        while try statement.step() {
            // Versions of SQLite differ in which partial indexes they call covering; what is read is the same.
            let line = statement.text(3)
            lines.append(line.split(separator: " ").filter { $0 != "COVERING" }.joined(separator: " "))
        }
        return lines
    }
}
