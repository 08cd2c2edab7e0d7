import Testing

@testable import SQLiteStore

/// Compares every statement of the batches with the plan that SQLite makes for it.
@Suite struct QueryPlanTests {
    /// The lines of each statement's plan; none if it reads no table.
    private static let plans: [String: [String]] = [
        "begin": [], "begin reading": [], "commit": [], "data version": [], "page count": [],
        "add task": [], "add body": [], "set users of tube": [], "set key": [], "add manager": [],
        "add 64 tasks": [], "add 32 tasks": [], "add 16 tasks": [], "add 8 tasks": [], "add 4 tasks": [],
        "add 2 tasks": [],
        "add 64 bodies": [], "add 32 bodies": [], "add 16 bodies": [], "add 8 bodies": [], "add 4 bodies": [],
        "add 2 bodies": [],
        "find tube by name": ["SEARCH tube USING INDEX sqlite_autoindex_tube_1 (name=?)"],
        "find tube by id": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "add tube": ["SCALAR SUBQUERY 1", "SEARCH tube USING INDEX sqlite_autoindex_tube_2"],
        "remove tube": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "close gap between tubes": [
            "SEARCH tube USING INDEX sqlite_autoindex_tube_2 (position=?)", "SCALAR SUBQUERY 1",
            "SEARCH tube USING INDEX sqlite_autoindex_tube_2",
        ],
        "count tasks of tube": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "other users of tube": ["SEARCH tube_user USING PRIMARY KEY (tube_id=?)"],
        "remove users of tube": ["SEARCH tube_user USING PRIMARY KEY (tube_id=? AND manager_id=?)"],
        "add counts to tube": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "set a pause": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "end of a pause": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "next end of a pause": ["SEARCH tube USING INDEX tube_paused (paused_until_ms>?)"],
        "pauses that are over": ["SEARCH tube USING INDEX tube_paused (paused_until_ms>? AND paused_until_ms<?)"],
        "tube has pending tasks": ["SEARCH tube USING INDEX sqlite_autoindex_tube_1 (name=?)"],
        "next end of a delay": ["SEARCH task_state USING INDEX task_due"],
        "end delays": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_due (due_ms<?)",
        ],
        "find task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "read body": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid=?)"],
        "read range to delete": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "read bodies of range": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "first pending tasks": ["SEARCH task_state USING INDEX task_pending (tube_id=?)"],
        "claim pending task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "claim range of pending tasks": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "claim task in any state": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "delete unclaimed task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "delete claimed task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "delete remembered task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "delete range": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "delete remembered range": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "delete bodies of range": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"],
        "delete body": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid=?)"],
        "release": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "bury": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_buried (tube_id=?)",
        ],
        "touch": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "expire": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "find overdue claim": ["SEARCH task_state USING INDEX task_claimed (holder>? AND holder<?)"],
        "end overdue claims": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder>? AND holder<?)",
        ],
        "return claims of holders": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder>? AND holder<?)",
        ],
        "kick buried": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_buried (tube_id=?)",
        ],
        "kick delayed": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_delayed (tube_id=?)",
        ],
        "kick task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "first pending": ["SEARCH task_state USING INDEX task_pending (tube_id=?)"],
        "first delayed": ["SEARCH task_state USING INDEX task_delayed (tube_id=?)"],
        "first buried": ["SEARCH task_state USING INDEX task_buried (tube_id=?)"],
        "statistics of task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "statistics of tube": [
            "SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)",
            "CORRELATED SCALAR SUBQUERY 1", "SEARCH tube_user USING PRIMARY KEY (tube_id=?)",
            "CORRELATED SCALAR SUBQUERY 2", "SEARCH tube_user USING PRIMARY KEY (tube_id=?)",
        ],
        "oldest pending task": ["SEARCH task_state USING INDEX task_pending (tube_id=? AND priority>?)"],
        "find session": ["SEARCH session USING INDEX sqlite_autoindex_session_1 (name=?)"],
        "connection of session": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "attach to session": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "detach from session": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "detach connections of manager": [
            "SEARCH session USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH session USING INDEX session_connection (connection>? AND connection<?)",
        ],
        "remove idle session": [
            "SEARCH session USING INTEGER PRIMARY KEY (rowid=?)", "SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder=?)",
        ],
        "move claims to session": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder=?)",
        ],
        "claims of holder": ["SEARCH task_state USING INDEX task_claimed (holder=? AND rowid>?)"],
        "end of page of sessions": ["SEARCH session USING INTEGER PRIMARY KEY (rowid>?)"],
        "next end of a named claim": ["SEARCH task_state USING INDEX task_claimed_named"],
        // All claims of named sessions, once after a start of the machine.
        "restart named claims": ["SCAN task_state USING INDEX task_claimed_named"],
        "end named claims": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed_named (due_ms<?)",
        ],
        "find key": ["SEARCH unique_key USING PRIMARY KEY (tube=? AND key=?)"],
        "keep key for a time": ["SEARCH unique_key USING INDEX unique_key_task (task_id=?)"],
        "remove old keys": [
            "SEARCH unique_key USING PRIMARY KEY (tube=? AND key=?)", "LIST SUBQUERY 1",
            "SEARCH unique_key USING INDEX unique_key_gone (kept_until_ms>? AND kept_until_ms<?)",
        ],
        "clear pending": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_pending (tube_id=?)",
        ],
        "clear delayed": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_delayed (tube_id=?)",
        ],
        "clear buried": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "LIST SUBQUERY 1",
            "SEARCH task_state USING INDEX task_buried (tube_id=?)",
        ],
        "remove idle sessions of page": [
            "SEARCH session USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder=?)",
        ],
        // These read all tubes or all managers: their number is small, and each is wanted.
        "statistics of store": ["SCAN tube", "SCALAR SUBQUERY 1", "SCAN sqlite_sequence"],
        "list tubes": ["SCAN tube USING INDEX sqlite_autoindex_tube_2"],
        // The last ids of the tables with AUTOINCREMENT: one row per such table.
        "add session": [
            "SCAN CONSTANT ROW", "SCALAR SUBQUERY 2", "SEARCH task_state USING INDEX task_claimed (holder=?)",
            "SCALAR SUBQUERY 1", "SEARCH sqlite_sequence",
        ],
        "list managers": ["SCAN manager"],
        "break claim": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "detach session": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "tasks to move pending": ["SEARCH task_state USING INDEX task_pending (tube_id=?)"],
        "tasks to move delayed": ["SEARCH task_state USING INDEX task_delayed (tube_id=?)"],
        "tasks to move buried": ["SEARCH task_state USING INDEX task_buried (tube_id=?)"],
        "move task": [
            "SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)", "SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_buried (tube_id=?)",
        ],
        "edit task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "set draining": ["SCAN manager"],
        "set event of store": [],
        "inspect tubes": ["SEARCH tube USING INDEX sqlite_autoindex_tube_1 (name>?)"],
        "inspect task": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid=?)"],
        "inspect tasks": ["SEARCH task_state USING INTEGER PRIMARY KEY (rowid>?)"],
        "inspect ids of tube pending": ["SEARCH task_state USING INDEX task_pending (tube_id=?)"],
        "inspect ids of tube delayed": ["SEARCH task_state USING INDEX task_delayed (tube_id=?)"],
        "inspect ids of tube buried": ["SEARCH task_state USING INDEX task_buried (tube_id=?)"],
        // These have a limit, and read only an index.
        "inspect ids pending": ["SCAN task_state USING INDEX task_pending"],
        "inspect ids delayed": ["SCAN task_state USING INDEX task_delayed"],
        "inspect ids buried": ["SCAN task_state USING INDEX task_buried"],
        "inspect ids claimed": ["SCAN task_state USING INDEX task_claimed"],
        "inspect counts of tube": ["SEARCH tube USING INTEGER PRIMARY KEY (rowid=?)"],
        "inspect counts": ["SCAN tube"],
        "inspect body": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid=?)"],
        "inspect body for bytes": ["SEARCH task_body USING INTEGER PRIMARY KEY (rowid=?)"],
        "inspect key": ["SEARCH unique_key USING INDEX unique_key_task (task_id=?)"],
        "inspect session of holder": ["SEARCH session USING INTEGER PRIMARY KEY (rowid=?)"],
        "inspect sessions": [
            "SEARCH session USING INTEGER PRIMARY KEY (rowid>?)", "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder=?)",
        ],
        "inspect claim of session": ["SEARCH task_state USING INDEX task_claimed (holder=?)"],
        "inspect managers": [
            "SCAN manager", "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH task_state USING INDEX task_claimed (holder>? AND holder<?)",
        ],
        "inspect events": ["SCAN store_event"],
        "find manager": ["SEARCH manager USING INTEGER PRIMARY KEY (rowid=?)"],
        "remove manager": ["SEARCH manager USING INTEGER PRIMARY KEY (rowid=?)"],
        // One row.
        "set claim clock": ["SCAN claim_clock"],
        "heartbeat": ["SEARCH manager USING INTEGER PRIMARY KEY (rowid=?)"],
        "tubes of manager": ["SEARCH tube_user USING INDEX tube_user_manager (manager_id=?)"],
    ]

    @Test func `every statement uses its index`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        try check(store)
        try store.leave()
    }

    /// The statistics of an uneven table must not keep SQLite from using the indexes: an operator may run ANALYZE.
    @Test func `every statement uses its index after ANALYZE`() throws {
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
        let statements = store.parts.tables.statements.registry.all
        for (name, statement) in statements {
            let expected = try #require(Self.plans[name], "\(name) has no expected plan")
            #expect(try plan(statement.sql, in: store.parts.database) == expected, "\(name)")
        }
        let names = statements.map(\.name)
        #expect(names.count == Set(names).count, "each name is used once")
        #expect(Set(names) == Set(Self.plans.keys))
    }

    private func plan(_ sql: String, in database: Database) throws -> [String] {
        let statement = try database.prepare("EXPLAIN QUERY PLAN \(sql)")
        defer { statement.finalize() }
        var lines: [String] = []
        while try statement.step() {
            // Versions of SQLite differ in which partial indexes they call covering; what is read is the same.
            let line = statement.text(3)
            // The rows of VALUES are no table.
            if line.hasSuffix("CONSTANT ROWS") || line.hasSuffix("VALUES CLAUSE") { continue }
            lines.append(line.split(separator: " ").filter { $0 != "COVERING" }.joined(separator: " "))
        }
        return lines
    }
}
