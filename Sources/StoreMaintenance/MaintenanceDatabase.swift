internal import Glibc
package import SQLiteStore
internal import TaskStore

/// How maintenance opens the file of a store, beside managers that may be using it.
package enum MaintenanceDatabase {
    /// `SQLITE_CHECKPOINT_TRUNCATE`, for a process that is alone with the database.
    static let truncate: Int32 = 3

    /// Opens an existing database of Beanrow for reading.
    ///
    /// It never changes the file and never runs a checkpoint. Even a reader makes the files `-wal` and `-shm` if no
    /// manager has. They would belong to the reader, and managers of another user could not open them. So only the
    /// owner and root may do this while no manager runs.
    ///
    /// - Parameter path: the file.
    /// - Returns: the connection.
    /// - Throws: `StoreError` if it is missing, another application's, or cannot be opened.
    package static func openForReading(_ path: String) throws -> Database {
        try checkReadable(path)
        let files = try StoreFiles(path)
        guard FileOwner.isOwn(files.database) || access(files.sharedMemory, F_OK) == 0 else {
            throw StoreError(
                .unusable,
                "\(path): no manager is running, and then only the owner can open it; \(FileOwner.advice(path))"
            )
        }
        do {
            let database = try Database.forMaintenance(files.database, readOnly: true)
            _ = try Schema.inspect(database)
            return database
        } catch {
            // SQLite's message does not name the file beside the database that cannot be read.
            for file in [files.log, files.sharedMemory] where access(file, F_OK) == 0 && access(file, R_OK) != 0 {
                throw StoreError(.unusable, "\(path): you may not read \(file) beside it; \(FileOwner.advice(path))")
            }
            if let error = error as? SQLiteError { throw error.whileOpening(path) }
            throw error
        }
    }

    /// Checks that a file is a database of Beanrow that this user can open now.
    ///
    /// - Throws: `StoreError`
    package static func check(_ path: String) throws {
        try openForReading(path).close()
    }

    /// Checks that a file exists and can be read.
    ///
    /// - Throws: `StoreError`
    package static func checkReadable(_ path: String) throws {
        let directory = FilePaths.directory(of: path)
        if FilePaths.isDirectory(directory), access(directory, X_OK) != 0 {
            throw StoreError(.unusable, "\(directory): you may not look into this directory")
        }
        var information = stat()
        guard stat(path, &information) == 0 else {
            let reason = errno == ENOENT || errno == ENOTDIR ? "no such file" : lastSystemError()
            throw StoreError(.unusable, "\(path): \(reason)")
        }
        guard information.st_mode & S_IFMT == S_IFREG else { throw StoreError(.unusable, "\(path): not a file") }
        try FileOwner.check(path, R_OK, "read it")
    }

    /// Checks that this user may write to a file.
    ///
    /// - Throws: `StoreError`
    package static func checkWritable(_ path: String) throws {
        try FileOwner.check(path, W_OK, "write to it")
    }

    /// Runs work while no manager uses the store, and none can start.
    ///
    /// A manager that starts during this time waits.
    ///
    /// - Parameters:
    ///   - path: the database, which need not exist.
    ///   - purpose: what is going to be done, for the message: `restore`.
    ///   - work: the work.
    /// - Returns: the value of the work.
    /// - Throws: `StoreError/Code/inUse` if a manager lives, or another program has the database open.
    package static func alone<Value>(
        _ path: String,
        to purpose: String,
        _ work: (StoreFiles) throws -> Value
    ) throws -> Value {
        let files = try StoreFiles(path)
        let lock = try WriterLock(path: files.lock, mode: 0o600)
        // A manager holds the lock only while it writes or starts.
        try lock.lock()
        defer { lock.unlock() }
        guard try LivenessLock.living(path: files.lock).isEmpty else {
            throw StoreError(
                .inUse,
                "\(path): managers are running, \(FileUsers.describe(files.lock)): stop them first, then \(purpose)"
            )
        }
        if FilePaths.exists(files.database), !FileUsers.processes(of: files.database).isEmpty {
            throw StoreError(
                .inUse,
                "\(path): \(FileUsers.describe(files.database)) has it open: it has to end first, then \(purpose)"
            )
        }
        return try work(files)
    }
}
