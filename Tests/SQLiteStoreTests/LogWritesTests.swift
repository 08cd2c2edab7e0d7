import CSQLite
import CSQLiteShims
import Testing

@testable import SQLiteStore

/// The VFS that writes a commit's frames together.
@Suite struct LogWritesTests {
    /// A database in WAL mode with one table, and a connection with SQLite's own VFS.
    private final class Place {
        let directory: TemporaryStore
        let database: Database
        let commit: Statement
        private let other: OpaquePointer

        init() throws {
            directory = try TemporaryStore()
            try Database.create(directory.path)
            database = try Database(path: directory.path)
            try database.execute(
                """
                PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
                PRAGMA cache_size = -64000;
                CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB);
                """
            )
            database.countFrames()
            commit = try database.prepare("COMMIT")
            var other: OpaquePointer?
            try #require(sqlite3_open_v2(directory.path, &other, SQLITE_OPEN_READWRITE, "unix") == SQLITE_OK)
            self.other = try #require(other)
            try run("PRAGMA wal_autocheckpoint = 0")
        }

        deinit {
            sqlite3_close(other)
        }

        /// Runs SQL on the other connection.
        func run(_ sql: String) throws {
            let code = sqlite3_exec(other, sql, nil, nil, nil)
            try #require(code == SQLITE_OK, "\(String(cString: sqlite3_errmsg(other)))")
        }

        /// Returns what the other connection reads.
        func read(_ sql: String) throws -> String {
            var statement: OpaquePointer?
            try #require(sqlite3_prepare_v2(other, sql, -1, &statement, nil) == SQLITE_OK)
            defer { sqlite3_finalize(statement) }
            try #require(sqlite3_step(statement) == SQLITE_ROW)
            return String(cString: sqlite3_column_text(statement, 0))
        }

        /// Returns what the other connection finds: the number of rows, and the result of the integrity check.
        func found() throws -> [String] {
            let rows = try read("SELECT count(*) || ' rows, ' || sum(length(bytes)) FROM row")
            return [rows, try read("PRAGMA integrity_check")]
        }

        /// Inserts rows in one transaction.
        func insertAndCommit(_ rows: Int, bytes: Int) throws -> WALPosition {
            try database.execute("BEGIN IMMEDIATE")
            try insert(rows, bytes: bytes)
            return try #require(try database.commit(commit))
        }

        /// Inserts rows.
        func insert(_ rows: Int, bytes: Int) throws {
            try database.execute(
                """
                WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < \(rows))
                INSERT INTO row (bytes) SELECT randomblob(\(bytes)) FROM number
                """
            )
        }
    }

    @Test func `a commit without changes writes nothing`() throws {
        let place = try Place()
        try place.database.execute("BEGIN IMMEDIATE; SELECT count(*) FROM row")
        #expect(try place.database.commit(place.commit) == nil)
    }

    @Test(arguments: [(1, 10), (1, 100_000), (40, 3000), (1000, 500), (3, 1_000_000)])
    func `other connections find the whole commit`(rows: Int, bytes: Int) throws {
        let place = try Place()
        var last: WALPosition?
        for time in 1...3 {
            let commit = try place.insertAndCommit(rows, bytes: bytes)
            if let last { #expect(commit.follows(frames: last.frames)) }
            last = commit
            #expect(try place.found() == ["\(rows * time) rows, \(rows * time * bytes)", "ok"])
        }
    }

    @Test func `the log's header is written with the first commit after a checkpoint`() throws {
        let place = try Place()
        try place.insert(10, bytes: 100)
        #expect(try place.database.checkpoint(SQLITE_CHECKPOINT_RESTART).finished)
        let commit = try place.insertAndCommit(10, bytes: 100)
        #expect(commit.start == 0)
        #expect(commit.follows(frames: 0))
        #expect(try place.found() == ["20 rows, 2000", "ok"])
    }

    @Test func `a commit after another program's does not begin at the end of the own last one`() throws {
        let place = try Place()
        let first = try place.insertAndCommit(10, bytes: 100)
        try place.run("INSERT INTO row (bytes) VALUES (x'00')")
        let second = try place.insertAndCommit(1, bytes: 9)
        #expect(second.start > 0)
        #expect(!second.follows(frames: first.frames))
        #expect(try place.found() == ["12 rows, 1010", "ok"])
    }

    @Test func `frames that did not fit into memory were written before`() throws {
        let place = try Place()
        try place.database.execute("PRAGMA cache_size = 10; BEGIN IMMEDIATE")
        try place.insert(300, bytes: 2000)
        try place.database.execute("UPDATE row SET bytes = zeroblob(100) WHERE id % 2 = 0")
        _ = try place.database.commit(place.commit)
        #expect(try place.found() == ["300 rows, 315000", "ok"])
    }

    @Test func `frames that are gathered can be read`() throws {
        let place = try Place()
        let handle = try open(place)
        defer { sqlite3_close(handle) }
        #expect(beanrow_commit_begins(handle) == 1)
        try run("PRAGMA cache_size = 10; BEGIN IMMEDIATE", handle)
        // Spills pages, reads them again and replaces some, as if within COMMIT.
        for _ in 0..<4 {
            try run("INSERT INTO row (bytes) SELECT randomblob(2000) FROM json_each('[\(Self.hundred)]')", handle)
        }
        try run("UPDATE row SET bytes = zeroblob(100) WHERE id % 2 = 0; COMMIT", handle)
        var start: Int64 = 0
        #expect(beanrow_commit_ended(handle, &start) == 0)
        #expect(try place.found() == ["400 rows, 420000", "ok"])
    }

    @Test func `the rest of a failed commit is never written`() throws {
        let place = try Place()
        try place.insert(1, bytes: 1)
        let handle = try open(place)
        defer { sqlite3_close(handle) }
        try run("PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = 10; BEGIN IMMEDIATE", handle)
        #expect(beanrow_commit_begins(handle) == 1)
        try run("INSERT INTO row (bytes) SELECT randomblob(2000) FROM json_each('[\(Self.hundred)]')", handle)
        var start: Int64 = 0
        #expect(beanrow_commit_ended(handle, &start) > 0, "some frames were spilled and not written")
        try run("ROLLBACK", handle)
        // Other connections write to the same position now.
        try place.run("INSERT INTO row (bytes) SELECT zeroblob(2000) FROM json_each('[\(Self.hundred)]')")
        try run("SELECT count(*) FROM row", handle)
        #expect(beanrow_commit_begins(handle) == 1)
        try run("INSERT INTO row (bytes) VALUES (zeroblob(5))", handle)
        #expect(beanrow_commit_ended(handle, &start) == 0)
        #expect(try place.found() == ["102 rows, 200006", "ok"])
    }

    private static let hundred = Array(repeating: "0", count: 100).joined(separator: ",")

    private func open(_ place: Place) throws -> OpaquePointer {
        var handle: OpaquePointer?
        let vfs = try #require(beanrow_log_vfs())
        try #require(sqlite3_open_v2(place.directory.path, &handle, SQLITE_OPEN_READWRITE, vfs) == SQLITE_OK)
        let opened = try #require(handle)
        // The first read opens the log.
        try run("SELECT count(*) FROM row", opened)
        return opened
    }

    private func run(_ sql: String, _ handle: OpaquePointer) throws {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        try #require(code == SQLITE_OK, "\(String(cString: sqlite3_errmsg(handle)))")
    }
}
