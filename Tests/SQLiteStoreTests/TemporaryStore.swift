import Glibc
import TaskStore

@testable import SQLiteStore

/// A directory for one test, with a database that any number of managers can open.
///
/// It is removed at the end.
final class TemporaryStore: Sendable {
    let directory: String
    var path: String { directory + "/tasks.db" }

    init() throws {
        var template = Array("/tmp/beanrow-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StoreError(.unusable, lastSystemError()) }
        self.directory = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        guard let handle = opendir(directory) else { return }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            unlink(directory + "/" + name)
        }
        closedir(handle)
        rmdir(directory)
    }

    /// Opens the database as another manager.
    func open(_ name: String = "a", at now: Timestamp = .start) throws -> SQLiteStore {
        try SQLiteStore.open(path: path, name: name, address: "127.0.0.1:0", at: now, options: .test)
    }

    /// Opens the database like any program: with triggers, without the writer lock.
    func shell() throws -> Database {
        let database = try Database(path: path)
        try database.execute("PRAGMA wal_autocheckpoint = 0")
        database.setBusyTimeout(milliseconds: 5000)
        database.removeLogOnClose()
        return database
    }
}

extension SQLiteStore.Options {
    /// The defaults, except that each batch gives the time, and that no manager counts as silent in a slow test.
    static var test: SQLiteStore.Options {
        var options = SQLiteStore.Options()
        options.clock = .batches
        options.silentAfter = .seconds(24 * 3600)
        return options
    }
}

extension Database {
    /// Makes an empty file, like the sqlite3 shell before the first write.
    static func create(_ path: String) throws {
        let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_RDWR, 0o600)
        guard descriptor >= 0 else { throw StoreError(.unusable, lastSystemError()) }
        Glibc.close(descriptor)
    }
}

extension Timestamp {
    /// The time at which tests begin.
    static let start = Timestamp(rawValue: 1_700_000_000_000)
}

/// A row that contradicts another.
struct Contradiction: Error, CustomStringConvertible {
    let description: String
}

extension TemporaryStore {
    /// Finds rows that contradict each other: wrong counts, tubes or bodies that should not exist, gaps in the list of
    /// tubes, and what SQLite itself finds.
    func audit() throws {
        let shell = try shell()
        let queries = [
            """
            SELECT 'tube ' || name || ' counts ' || printf('%d/%d/%d/%d/%d', pending, urgent, delayed, claimed, buried)
                || ' but has ' || rows
            FROM (
                SELECT tube.*, (
                    SELECT printf(
                        '%d/%d/%d/%d/%d', coalesce(sum(state = 'pending'), 0),
                        coalesce(sum(state = 'pending' AND priority < 1024), 0), coalesce(sum(state = 'delayed'), 0),
                        coalesce(sum(state = 'claimed'), 0), coalesce(sum(state = 'buried'), 0)
                    ) FROM task_state WHERE tube_id = tube.id
                ) AS rows FROM tube
            )
            WHERE printf('%d/%d/%d/%d/%d', pending, urgent, delayed, claimed, buried) <> rows
            """,
            "SELECT 'task ' || id || ' has no tube' FROM task_state WHERE tube_id NOT IN (SELECT id FROM tube)",
            "SELECT 'task ' || id || ' has no body' FROM task_state WHERE id NOT IN (SELECT id FROM task_body)",
            "SELECT 'body ' || id || ' has no task' FROM task_body WHERE id NOT IN (SELECT id FROM task_state)",
            "SELECT 'tube ' || name || ' should be gone' FROM tube WHERE id IN (SELECT id FROM tube_unused)",
            "SELECT 'tubes are listed ' || group_concat(position) FROM tube HAVING max(position) <> count(*)",
            """
            SELECT 'task ' || id || ' is held by manager ' || (holder >> 32) || ', which is gone' FROM task_state
            WHERE state = 'claimed' AND holder >> 32 <> 0 AND holder >> 32 NOT IN (SELECT id FROM manager)
            """,
            """
            SELECT 'task ' || id || ' is held by session ' || holder || ', which is gone' FROM task_state
            WHERE state = 'claimed' AND holder >> 32 = 0 AND holder NOT IN (SELECT id FROM session)
            """,
            """
            SELECT 'session ' || id || ' has a connection of manager ' || (connection >> 32) || ', which is gone' FROM session
            WHERE connection >> 32 NOT IN (SELECT id FROM manager)
            """,
            """
            SELECT 'the key of task ' || task_id || ' has a wrong end' FROM unique_key
            WHERE (kept_until_ms IS NULL) <> (task_id IN (SELECT id FROM task_state WHERE keyed))
            """,
            "SELECT 'tube_user of manager ' || manager_id FROM tube_user WHERE manager_id NOT IN (SELECT id FROM manager)",
            "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
        ]
        for query in queries {
            let answer = try shell.text(query)
            if !answer.isEmpty { throw Contradiction(description: answer) }
        }
    }
}

/// Whether the tests are built with a sanitizer, which takes ten times as long: `BEANROW_TEST_SANITIZED`, which
/// `tools/test` sets.
let isSanitized = getenv("BEANROW_TEST_SANITIZED") != nil
