import Glibc
import TaskStore

@testable import SQLiteStore

/// A directory for one test, with a database that any number of managers can open; removed at the end.
final class TemporaryStore {
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

    /// Opens the database as one more manager.
    func open(_ name: String = "a", at now: Timestamp = .start) throws -> SQLiteStore {
        try SQLiteStore.open(path: path, name: name, address: "127.0.0.1:0", at: now)
    }

    /// Opens the database as any program would: with triggers, without queueing.
    func shell() throws -> Database {
        let database = try Database(path: path)
        try database.execute("PRAGMA wal_autocheckpoint = 0")
        database.setBusyTimeout(milliseconds: 5000)
        return database
    }
}

extension Timestamp {
    /// When tests begin.
    static let start = Timestamp(rawValue: 1_700_000_000_000)
}
