internal import Foundation
internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// A directory of backups of one database, named after the database and the time: `tasks-20260131T235959.123Z.db`.
struct BackupDirectory {
    private let directory: String
    private let stem: String

    /// - Parameters:
    ///   - directory: the directory.
    ///   - source: the database.
    init(_ directory: String, source: String) {
        self.directory = directory == "/" ? "" : directory
        let name = FilePaths.name(of: source)
        stem = name.hasSuffix(".db") ? String(name.dropLast(3)) : name
    }

    /// Returns the path of a backup that begins at this time.
    func path(at time: Date) -> String {
        let milliseconds = Int64(time.timeIntervalSince1970 * 1000)
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let text = String(
            format: "%04d%02d%02dT%02d%02d%02d.%03dZ",
            parts.tm_year + 1900,
            parts.tm_mon + 1,
            parts.tm_mday,
            parts.tm_hour,
            parts.tm_min,
            parts.tm_sec,
            Int32(milliseconds % 1000)
        )
        return "\(directory)/\(stem)-\(text).db"
    }

    /// Returns the backups in the directory, the oldest first.
    var backups: [String] {
        FilePaths.names(in: directory.isEmpty ? "/" : directory).filter { isBackup($0, suffix: ".db") }
    }

    /// Removes the oldest backups, and parts that a killed backup has left.
    ///
    /// - Parameter count: how many to keep; `nil` keeps all.
    /// - Returns: the paths of the removed backups.
    /// - Throws: `StoreError` if one cannot be removed.
    func removeOld(keeping count: Int?) throws -> [String] {
        for name in FilePaths.names(in: directory.isEmpty ? "/" : directory) where isBackup(name, suffix: ".db.partial")
        {
            removeIfUnused("\(directory)/\(name)")
        }
        guard let count else { return [] }
        let old = backups.dropLast(max(1, count)).map { "\(directory)/\($0)" }
        for path in old {
            guard unlink(path) == 0 || errno == ENOENT else {
                throw StoreError(
                    .failed,
                    "\(path): the backup is complete, but this old one stays: \(lastSystemError())"
                )
            }
        }
        return old
    }

    /// Removes a part that no process is writing.
    private func removeIfUnused(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
    }

    /// Returns whether a file has the name of a backup of this database.
    private func isBackup(_ name: String, suffix: String) -> Bool {
        guard name.hasPrefix(stem + "-"), name.hasSuffix(suffix) else { return false }
        let time = name.dropFirst(stem.count + 1).dropLast(suffix.count)
        let pattern = "dddddddd'T'dddddd.ddd'Z'".filter { $0 != "'" }
        return time.count == pattern.count
            && zip(time, pattern).allSatisfy { $1 == "d" ? $0.isASCII && $0.isNumber : $0 == $1 }
    }
}
