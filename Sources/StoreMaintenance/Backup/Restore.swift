internal import Foundation
internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// Puts a backup in the place of a database.
///
/// No manager runs. The files of the old database are moved aside and never deleted. Tasks that were finished after the
/// backup began are in it, and run again.
package struct Restore {
    /// What was restored.
    package struct Result: Sendable, Equatable {
        /// What the backup holds.
        package var contents: Contents

        /// The claims that became pending.
        package var returnedClaims: Int64

        /// The tubes that were paused.
        package var pausedTubes: Int64

        /// The old files under their new names.
        package var movedAside: [String]

        /// Ids of new tasks are larger than this.
        package var floor: Int64

        /// Whether the counter of the old database could not be read, so that the floor is a guess.
        package var isFloorGuessed: Bool
    }

    /// How far ids of new tasks are above those of the backup, in case the old counter is not known.
    package static let distance: Int64 = 1_000_000_000

    /// The backup.
    package var backup: String

    /// The database.
    package var database: String

    /// Whether all tubes are paused, so that an operator can look before consumers get tasks.
    package var pauses: Bool

    /// Creates a restore.
    package init(_ backup: String, to database: String, pauses: Bool) {
        self.backup = backup
        self.database = database
        self.pauses = pauses
    }

    /// Restores.
    ///
    /// If the process is killed while it moves files, managers refuse the database until the restore is repeated.
    ///
    /// - Returns: what was restored.
    /// - Throws: `StoreError`. Nothing was changed then, unless the message says that the restore has to be repeated.
    package func run() throws -> Result {
        try MaintenanceDatabase.checkReadable(backup)
        return try MaintenanceDatabase.alone(database, to: "restore") { files in
            guard try StoreFiles(backup).database != files.database else {
                throw StoreError(.unusable, "\(backup): the backup and the database are the same file")
            }
            let old = OldCounters.read(files)
            let new = files.database + ".restoring"
            let mode = old.mode ?? 0o600
            unlink(new)
            let descriptor = open(new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
            guard descriptor >= 0 else { throw StoreError(.unusable, "\(new): \(lastSystemError())") }
            defer { close(descriptor) }
            do {
                fchmod(descriptor, mode)
                // Another owner's database stays theirs, if this user may give files away.
                if let owner = old.owner { _ = fchown(descriptor, owner.user, owner.group) }
                try FileCopy.copy(backup, to: descriptor, named: new)
                var result = try prepare(new, old)
                guard fsync(descriptor) == 0 else { throw StoreError(.failed, "\(new): \(lastSystemError())") }
                result.movedAside = try exchange(files, new)
                return result
            } catch {
                unlink(new)
                throw error
            }
        }
    }

    /// Verifies the copy of the backup, and makes it ready for managers.
    private func prepare(_ path: String, _ old: OldCounters) throws -> Result {
        let contents = try Contents.verify(path)
        let floor = max(old.lastTask ?? 0, contents.lastTask + Self.distance)
        do {
            let database = try Database.forMaintenance(path, readOnly: false)
            defer { database.close() }
            try database.execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; BEGIN IMMEDIATE")
            let claims = try database.integer("SELECT count(*) FROM task_state WHERE state = 'claimed'") ?? 0
            // Triggers keep the counts.
            try database.execute(
                """
                UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL WHERE state = 'claimed';
                DELETE FROM session;
                DELETE FROM tube_user;
                DELETE FROM manager;
                DELETE FROM tube WHERE id IN (SELECT id FROM tube_unused);
                INSERT INTO sqlite_sequence (name, seq) SELECT 'task_state', 0
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'task_state');
                UPDATE sqlite_sequence SET seq = \(floor) WHERE name = 'task_state'
                """
            )
            try raise("session", to: old.lastSession, in: database)
            try raise("manager", to: old.lastManager, in: database)
            var paused: Int64 = 0
            if pauses {
                let longest: Int64 = 4_294_967_295
                try database.execute(
                    """
                    UPDATE tube SET pauses = pauses + 1, pause_s = \(longest),
                        paused_until_ms = (SELECT ms FROM clock) + \(longest) * 1000
                    """
                )
                paused = try database.integer("SELECT count(*) FROM tube") ?? 0
            }
            try database.execute("COMMIT")
            return Result(
                contents: contents,
                returnedClaims: claims,
                pausedTubes: paused,
                movedAside: [],
                floor: floor,
                isFloorGuessed: old.lastTask == nil
            )
        } catch let error as SQLiteError {
            throw error.whileOpening(path)
        }
    }

    private func raise(_ table: String, to number: Int64?, in database: Database) throws {
        guard let number else { return }
        try database.execute(
            """
            INSERT INTO sqlite_sequence (name, seq) SELECT '\(table)', 0
            WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '\(table)');
            UPDATE sqlite_sequence SET seq = max(seq, \(number)) WHERE name = '\(table)'
            """
        )
    }

    /// Moves the old files aside, and the new one into the database's place.
    ///
    /// A new database beside an old log would be damaged by it, and an old database without its log has lost tasks. So
    /// a mark, which managers respect, exists while both could be.
    private func exchange(_ files: StoreFiles, _ new: String) throws -> [String] {
        let mark = RestoreMark(files)
        try mark.set()
        var moved: [String] = []
        let suffix = freeSuffix(files)
        for name in ["-wal", "-shm", ""] where FilePaths.exists(files.database + name) {
            let aside = files.database + suffix + name
            guard rename(files.database + name, aside) == 0 else {
                throw StoreError(.failed, "\(files.database + name): \(lastSystemError()): repeat the restore")
            }
            moved.append(aside)
        }
        try syncDirectory(files.directory)
        guard rename(new, files.database) == 0 else {
            throw StoreError(.failed, "\(files.database): \(lastSystemError()): repeat the restore")
        }
        try syncDirectory(files.directory)
        try mark.clear()
        return moved.sorted()
    }

    /// Returns the end of names that no file has yet.
    private func freeSuffix(_ files: StoreFiles) -> String {
        let base = ".before-restore-\(Int64(Date().timeIntervalSince1970))"
        let names = ["", "-wal", "-shm"]
        for number in 1... {
            let suffix = number == 1 ? base : "\(base)-\(number)"
            if !names.contains(where: { FilePaths.exists(files.database + suffix + $0) }) { return suffix }
        }
        return base
    }
}
