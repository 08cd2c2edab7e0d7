internal import Foundation
internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// Copies a database into a file, while managers use it.
///
/// The copy is one snapshot: it has everything that was acknowledged before it began. It is read within one transaction
/// by a connection that only reads and never runs a checkpoint. The copy is verified before it gets its name.
///
/// During the transaction the managers cannot empty the log. So the backup gives up if the log becomes too long.
package struct Backup {
    /// What was copied.
    package struct Result: Sendable, Equatable {
        /// The path of the copy.
        package var path: String

        /// When the backup began, in milliseconds since 1970.
        package var began: Int64

        /// The size of the copy in bytes.
        package var bytes: Int64

        /// How long the snapshot was open, in seconds.
        package var copySeconds: Double

        /// The longest log in bytes that was seen during this time.
        package var logBytes: Int64

        /// What the verification found.
        package var contents: Contents

        /// Older backups that were removed.
        package var removed: [String]
    }

    /// The pages that are copied between two looks at the log.
    private static let pagesPerStep: Int32 = 512

    /// The database.
    package var source: String

    /// The file to write, or a directory in which a file with the time in its name is made.
    package var destination: String

    /// How many backups of this database to keep in the directory, the new one included; `nil` keeps all.
    package var keep: Int?

    /// The length of the log in bytes at which the backup gives up.
    package var logLimit: Int64

    /// Called with the share of the pages that are copied, from 0 to 1.
    package var progress: (Double) -> Void = { _ in }

    /// Creates a backup.
    package init(of source: String, to destination: String, keep: Int? = nil, logLimit: Int64) {
        self.source = source
        self.destination = destination
        self.keep = keep
        self.logLimit = logLimit
    }

    /// Makes the copy.
    ///
    /// If the process is killed, a file with `.partial` at the end of its name stays behind. The next backup to the same
    /// file writes it again. In a directory the next backup removes it.
    ///
    /// - Returns: what was copied.
    /// - Throws: `StoreError`. Nothing has the name of the copy then, and no older backup was removed.
    package func run() throws -> Result {
        let began = Date()
        let directory = FilePaths.isDirectory(destination) ? BackupDirectory(destination, source: source) : nil
        guard keep == nil || directory != nil else {
            throw StoreError(.unusable, "\(destination): --keep needs a directory as the destination")
        }
        let path = directory?.path(at: began) ?? destination
        guard !FilePaths.exists(path) else { throw StoreError(.unusable, "\(path): exists already") }
        let database = try MaintenanceDatabase.openForReading(source)
        defer { database.close() }
        let file = try PartialFile(path)
        do {
            let (seconds, logBytes) = try copy(database, into: file.partial)
            database.close()
            let contents = try Contents.verify(file.partial)
            try file.publish()
            let removed = try directory?.removeOld(keeping: keep) ?? []
            let result = Result(
                path: path,
                began: Int64(began.timeIntervalSince1970 * 1000),
                bytes: fileLength(path),
                copySeconds: seconds,
                logBytes: logBytes,
                contents: contents,
                removed: removed
            )
            BackupRecord.write(result.began, for: source)
            return result
        } catch {
            file.remove()
            throw error
        }
    }

    private func copy(_ database: Database, into path: String) throws -> (seconds: Double, logBytes: Int64) {
        let log = try StoreFiles(source).log
        var longest = fileLength(log)
        do {
            let target = try Database.forMaintenance(path, readOnly: false)
            defer { target.close() }
            try target.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
            let start = ContinuousClock.now
            try database.execute("BEGIN")
            // The transaction begins with its first read.
            _ = try database.integer("SELECT count(*) FROM sqlite_schema")
            try database.copy(into: target, pagesPerStep: Self.pagesPerStep) { step in
                longest = max(longest, fileLength(log))
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                progress(Double(step.total - step.remaining) / Double(max(1, step.total)))
                guard longest < logLimit else {
                    throw tooSlow(step, seconds: seconds, pageSize: try database.integer("PRAGMA page_size") ?? 4096)
                }
            }
            try database.execute("COMMIT")
            return ((ContinuousClock.now - start) / .seconds(1), longest)
        } catch let error as SQLiteError {
            throw error.whileOpening(source)
        }
    }

    private func tooSlow(_ step: Database.CopyProgress, seconds: Double, pageSize: Int64) -> StoreError {
        let copied = Int64(step.total - step.remaining) * pageSize
        let rate = Double(copied) / max(seconds, 0.001) / 1_048_576
        return StoreError(
            .failed,
            """
            \(source): the backup gave up, since the log reached its limit of \(logLimit) bytes. It had copied \(copied) of \
            \(Int64(step.total) * pageSize) bytes at \(String(format: "%.1f", rate)) MiB/s. Run it when fewer tasks are \
            put, to a faster disk, or raise --max-log-size here and at the managers
            """
        )
    }
}
