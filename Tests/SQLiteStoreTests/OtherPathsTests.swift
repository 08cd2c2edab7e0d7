import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// Files that have more than one path.
@Suite struct OtherPathsTests {
    private let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    private func openError(allowsLinks: Bool = false) -> StoreError? {
        var options = SQLiteStore.Options()
        options.allowsLinks = allowsLinks
        do {
            try SQLiteStore.open(path: place.path, name: "b", address: "", at: .start, options: options).leave()
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: ["", "-wal", "-shm", "-lock"])
    func `a file with two names is refused, and the message says what to do`(suffix: String) throws {
        let store = try place.open()
        let other = place.directory + "/other"
        try #require(link(place.path + suffix, other) == 0)
        let error = try #require(openError())
        #expect(error.code == .unusable)
        for words in [place.path + suffix, "hard link", "snapshot", "--allow-links"] {
            #expect(error.message.contains(words), "\(error.message)")
        }
        #expect(!error.message.contains("\n"))
        unlink(other)
        #expect(openError() == nil)
        try store.leave()
    }

    @Test func `nothing appears beside a file that is refused`() throws {
        try place.open().leave()
        try #require(link(place.path, place.directory + "/other.db") == 0)
        unlink(place.path + "-lock")
        #expect(openError()?.code == .unusable)
        for suffix in ["-wal", "-shm", "-lock"] { #expect(FileIdentity(path: place.path + suffix) == nil) }
    }

    @Test func `a file that is mounted by itself has another path, and a directory that is mounted has none`() throws {
        try place.open().leave()
        let files = try StoreFiles(place.path)
        let point = files.database.replacing("/tmp", with: "/tmp")
        let own = "36 25 8:1 /volumes/queue.db \(point) rw,relatime - ext4 /dev/sda1 rw\n"
        #expect(OtherPaths.reason(files, mounts: own)?.contains("mounted by itself") == true)
        let directory = "36 25 8:1 /volumes/queue \(files.directory) rw,relatime - ext4 /dev/sda1 rw\n"
        #expect(OtherPaths.reason(files, mounts: directory) == nil)
        // The same file at another path: here by a second name.
        let elsewhere = place.directory + "/else where.db"
        try #require(symlink(files.database, elsewhere) == 0)
        let escaped = elsewhere.replacing(" ", with: "\\040")
        let shown = "36 25 8:1 /volumes/tasks.db \(escaped) rw,relatime - ext4 /dev/sda1 rw\n"
        #expect(OtherPaths.reason(files, mounts: shown)?.contains(elsewhere) == true)
        unlink(elsewhere)
        #expect(OtherPaths.reason(files, mounts: shown) == nil, "another file of that name")
        #expect(OtherPaths.reason(files, mounts: "nonsense\n\n36 25") == nil)
    }

    @Test func `a new name of a file is reported once while managers run`() throws {
        let store = try place.open()
        let other = place.directory + "/other"
        #expect(try store.maintain(at: .start).warnings.isEmpty)
        try #require(link(place.path, other) == 0)
        let warnings = try store.maintain(at: .start).warnings
        #expect(warnings.count == 1 && warnings[0].contains("another name"), "\(warnings)")
        #expect(try store.maintain(at: .start).warnings.isEmpty)
        unlink(other)
        #expect(try store.maintain(at: .start).warnings.isEmpty)
        try #require(link(place.path, other) == 0)
        #expect(try store.maintain(at: .start).warnings.count == 1, "it is another one")
        try store.leave()
    }

    @Test func `a manager that accepts links works, and leaves nothing in the log`() throws {
        try place.open().leave()
        let other = place.directory + "/other.db"
        try #require(link(place.path, other) == 0)
        var options = SQLiteStore.Options()
        options.allowsLinks = true
        let store = try SQLiteStore.open(path: place.path, name: "a", address: "", at: .start, options: options)
        let session = SessionID(connection: 1, of: store.manager)
        let task = NewTask(tube: .default, priority: 1, delay: 0, timeToRun: 60, body: [1])
        // More than the log holds before it is copied.
        for _ in 0..<30 {
            let puts = (0..<500).map { _ in Operation(session: session, action: .put(task)) }
            _ = try store.run(Batch(puts, now: .start))
            try store.makeDurable()
        }
        #expect(try store.maintain(at: .start).warnings.isEmpty)
        try store.leave()
        #expect(FileIdentity(path: place.path + "-wal") == nil)
        // Everything can be read by the other name.
        let shell = try Database(path: other)
        #expect(try shell.integer("SELECT count(*) FROM task") == 15_000)
        #expect(try shell.text("PRAGMA integrity_check") == "ok")
    }
}
