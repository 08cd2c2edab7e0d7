internal import Foundation
internal import Glibc
internal import JSONText
internal import SQLiteStore
internal import TaskStore

/// The file beside a database that says when it was last backed up: `tasks.db-backup`.
///
/// It has the one line of JSON that `beanrow backup` prints. Managers read it for metrics. A backup only reads the
/// database itself, so the time cannot be in a table.
package enum BackupRecord {
    /// Writes the record of a backup, if this user may write beside the database.
    ///
    /// - Throws: `StoreError` only if the disk fails. A directory that is not writable is no error.
    static func write(_ result: Backup.Result, for source: String) throws {
        let path = try StoreFiles(source).database + "-backup"
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        try OutputBytes.write(Array((result.json.line + "\n").utf8), to: descriptor, path: temporary)
        guard rename(temporary, path) == 0 else { throw StoreError(.failed, "\(path): \(lastSystemError())") }
    }

    /// Returns when the last backup began, in milliseconds since 1970; `nil` if none is known.
    ///
    /// - Parameter database: the path of the database.
    /// - Returns: the time.
    package static func lastBackup(of database: String) -> Int64? {
        struct Line: Decodable { var began_ms: Int64 }
        guard let path = try? StoreFiles(database).database + "-backup",
            let data = FileManager.default.contents(atPath: path)
        else { return nil }
        return try? JSONDecoder().decode(Line.self, from: data).began_ms
    }
}
