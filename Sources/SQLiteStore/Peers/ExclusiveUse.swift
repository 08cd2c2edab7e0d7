import CPlatform
import Glibc
import TaskStore

/// Reserves a database that has several paths for one manager.
///
/// The lock file does not help: by another path it is another file. All paths share only the database itself, and
/// SQLite's locks on it. In WAL mode every connection has a lock on the shared range (os.h, `SHARED_FIRST`) from its
/// first read until it is closed. So a process that has the database open by any path is seen there. Before that, every
/// connection has to lock the pending byte (`PENDING_BYTE`) for a moment. So a process that holds that byte locks out
/// all others, managers and other programs.
///
/// Confined to the store's thread.
final class ExclusiveUse {
    private static let pendingByte: Int64 = 0x4000_0000
    private static let sharedFirst = pendingByte + 2
    private static let sharedCount: Int64 = 510

    private static let alone = "and a manager with --allow-links has to be the only one"

    private let path: String

    /// Stays open as long as SQLite has the database open: closing any descriptor of a file releases the process's
    /// locks on it.
    private let descriptor: Int32
    private var database: Database?

    /// Checks that no other process has the database open, before SQLite opens it.
    ///
    /// - Throws: ``StoreError/Code/inUse`` if another process has it open.
    private init(_ path: String) throws(StoreError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(opening: path) }
        self.descriptor = descriptor
        // For managers that do the same at the same instant.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StoreError(.inUse, "\(path): another manager uses the database, \(Self.alone)")
        }
        try checkThereIsNoOther()
    }

    deinit {
        database?.close()
        close(descriptor)
    }

    /// Looks for other paths to a store's files.
    ///
    /// - Parameters:
    ///   - files: the files; SQLite has not opened them yet.
    ///   - isAllowed: whether the database may be used nevertheless, by one manager alone.
    /// - Returns: the exclusive use of the database if it has other paths; nil if it has none.
    /// - Throws: ``StoreError/Code/unusable``, ``StoreError/Code/inUse``.
    static func check(_ files: StoreFiles, isAllowed: Bool) throws(StoreError) -> ExclusiveUse? {
        guard let reason = OtherPaths.reason(files) else { return nil }
        guard isAllowed else {
            throw StoreError(.unusable, "\(reason) (--allow-links accepts it for a single manager)")
        }
        return try ExclusiveUse(files.database)
    }

    /// Locks out all other processes from now on.
    ///
    /// The database is in WAL mode, and this process has read it.
    ///
    /// - Throws: ``StoreError/Code/inUse`` if another process was faster.
    func lockOutOthers(_ database: Database) throws(StoreError) {
        self.database = database
        guard beanrow_lock_byte(descriptor, Self.pendingByte) == 0 else {
            throw StoreError(.inUse, "\(path): another process is opening the database, \(Self.alone)")
        }
        try checkThereIsNoOther()
    }

    /// Lets other processes open the database again, before it is closed here.
    ///
    /// The log is empty. If this is not called, other processes are locked out until this one ends.
    func admitOthers() {
        _ = beanrow_unlock_byte(descriptor, Self.pendingByte)
    }

    private func checkThereIsNoOther() throws(StoreError) {
        var process: Int32 = 0
        let answer = beanrow_range_is_locked(descriptor, Self.sharedFirst, Self.sharedCount, &process)
        guard answer >= 0 else { throw StoreError(.unusable, "\(path): \(systemErrorText(-answer))") }
        guard answer == 1 else { return }
        let holder = process > 0 ? "process \(process)" : "a process that is not seen from here"
        throw StoreError(.inUse, "\(path): \(holder) has the database open, \(Self.alone)")
    }
}
