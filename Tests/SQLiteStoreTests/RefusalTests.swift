import CSQLite
import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// Files that cannot be opened, and the message.
@Suite struct RefusalTests {
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    /// Opens the database, which has to fail with one line that contains these words.
    private func expectRefusal(_ words: String, _ path: String? = nil, code: StoreError.Code = .unusable) {
        let path = path ?? place.path
        #expect {
            try SQLiteStore.open(path: path, name: "a", address: "", at: .start, options: .test)
        } throws: { error in
            let error = error as? StoreError
            return error?.code == code && error?.message.contains(words) == true
                && error?.message.contains("\n") == false
        }
    }

    private func write(_ text: String) throws {
        let file = try #require(fopen(place.path, "we"))
        fputs(text, file)
        fclose(file)
    }

    @Test(arguments: ["hello", String(repeating: "not a database ", count: 1000)])
    func `a file that is not a database is refused`(_ text: String) throws {
        try write(text)
        expectRefusal("not a SQLite database")
        #expect(FileIdentity(path: place.path + "-lock") == nil, "nothing appears beside it")
    }

    @Test(arguments: ["CREATE TABLE a (b)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"])
    func `the database of another application is refused`(_ sql: String) throws {
        try Database.create(place.path)
        try place.shell().execute(sql)
        expectRefusal("another application")
        #expect(FileIdentity(path: place.path + "-lock") == nil, "nothing appears beside it")
    }

    @Test func `a newer schema is refused`() throws {
        try place.open().leave()
        try place.shell().execute("PRAGMA user_version = \(Schema.version + 1)")
        expectRefusal("newer Beanrow (schema version \(Schema.version + 1)")
    }

    @Test func `an unknown version is refused`() throws {
        try place.open().leave()
        try place.shell().execute("PRAGMA user_version = 0")
        expectRefusal("no way is known from schema version 0")
    }

    @Test func `a directory is refused`() {
        expectRefusal("a directory", place.directory)
    }

    @Test func `something that is not a regular file is refused`() {
        expectRefusal("not a regular file", "/dev/null")
    }

    @Test func `a missing directory is refused`() {
        expectRefusal("no directory", place.directory + "/none/tasks.db")
        expectRefusal("no database file named", "")
    }

    @Test func `a symbolic link that leads nowhere is refused`() throws {
        #expect(symlink(place.directory + "/none", place.path) == 0)
        expectRefusal("symbolic link")
    }

    @Test(.enabled(if: geteuid() != 0, "root may do everything"))
    func `a file without permission is refused`() throws {
        #expect(chmod(place.directory, 0o500) == 0)
        expectRefusal("Permission denied")
        #expect(chmod(place.directory, 0o700) == 0)
        try place.open().leave()
        #expect(chmod(place.path, 0o400) == 0)
        expectRefusal("Permission denied")
    }

    @Test func `a manager is refused while managers of another version run`() throws {
        let store = try place.open()
        try setLayout(1)
        expectRefusal("managers of another version of Beanrow are running", code: .inUse)
        store.abandon()
        // After they have ended, the file is used.
        let next = try place.open()
        #expect(next.parts.sharedPage.isKnownLayout)
        try next.leave()
    }

    @Test(arguments: [1, 99])
    func `a lock file that another version has left is used`(_ version: UInt64) throws {
        try place.open().leave()
        try setLayout(version)
        let store = try place.open()
        #expect(store.parts.sharedPage.isKnownLayout)
        try store.leave()
    }

    private func setLayout(_ version: UInt64) throws {
        let descriptor = open(place.path + "-lock", O_RDWR)
        defer { close(descriptor) }
        var version = version
        try #require(pwrite(descriptor, &version, 8, 64) == 8)
    }

    @Test func `one manager too many is refused`() throws {
        let stores = try (0..<SharedPage.slots).map { try place.open("\($0)") }
        expectRefusal("64 managers use the database")
        for store in stores { try store.leave() }
        try place.open().leave()
    }

    @Test func `network file systems are recognized`() {
        let remote: [Int64] = [0x6969, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x0102_1997, 0x00C3_6400, 0x5346_414F]
        for type in remote { #expect(FileSystemCheck.refusal(ofType: type) { nil } != nil) }
        let local: [Int64] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1]
        for type in local { #expect(FileSystemCheck.refusal(ofType: type) { nil } == nil) }
        #expect(FileSystemCheck.refusal(ofType: 0x6573_5546) { "fuse.sshfs" } == "fuse.sshfs")
        #expect(FileSystemCheck.refusal(ofType: 0x6573_5546) { "fuseblk" } == nil)
        #expect(FileSystemCheck.refusal(ofType: 0x6573_5546) { nil } == nil)
    }

    @Test func `the table of mounts has the names of file systems`() {
        let table = """
            22 27 0:21 / /proc rw,relatime - proc proc rw
            40 27 0:55 / /mnt/far rw,nosuid shared:1 master:2 - fuse.sshfs host:/home rw,user_id=0
            41 27 259:3 / / rw - ext4 /dev/vda rw
            broken line
            """
        #expect(FileSystemCheck.name(ofDevice: 55, in: table) == "fuse.sshfs")
        #expect(FileSystemCheck.name(ofDevice: 259 << 8 | 3, in: table) == "ext4")
        #expect(FileSystemCheck.name(ofDevice: 99, in: table) == nil)
    }
}

/// Operations that SQLite refuses because of their content.
@Suite struct RefusedContentTests {
    @Test func `a body above SQLite's limit is refused, and nothing of the batch has happened`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        // The limit of one connection, lowered: the real one is a billion bytes.
        store.parts.database.limitLength(bytes: 100_000)
        let session = SessionID(connection: 1, of: store.manager)
        func puts(_ sizes: [Int]) -> Batch {
            Batch(
                sizes.map { size in
                    let task = NewTask(
                        tube: .default,
                        priority: 0,
                        delay: 0,
                        timeToRun: 1,
                        body: [UInt8](repeating: 1, count: size)
                    )
                    return Operation(session: session, action: .put(task))
                },
                now: .start
            )
        }
        for sizes in [[200_000], [1, 200_000], [1, 1, 200_000, 1]] {
            #expect {
                _ = try store.run(puts(sizes))
            } throws: { ($0 as? StoreError)?.code == .refused }
        }
        #expect(try store.run(puts([1, 50_000])).outcomes.count == 2)
        #expect(try place.shell().integer("SELECT count(*) FROM task_state") == 2)
        try place.audit()
        try store.leave()
    }

    @Test func `a violated constraint is a refusal; an I/O error, a full disk and a lock are not`() {
        func code(_ code: Int32) -> StoreError.Code {
            var error = SQLiteError(corrupt: "")
            error.code = code
            return error.beforeCommit("").code
        }
        #expect(
            [SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_CONSTRAINT | 5 << 8, SQLITE_MISMATCH].map(code) == [
                .refused, .refused, .refused, .refused,
            ]
        )
        for other in [SQLITE_IOERR, SQLITE_FULL, SQLITE_BUSY, SQLITE_NOMEM, SQLITE_CORRUPT, SQLITE_ERROR] {
            #expect(code(other) != .refused)
        }
    }
}

extension Database {
    /// Lowers the largest size of a value and a row.
    fileprivate func limitLength(bytes: Int32) { sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, bytes) }
}
