internal import CPlatform
internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// The checks of an SQLite file.
struct FileDoctor {
    /// The file.
    var path: String

    /// The length of a log in bytes that is worth a warning: the limit of managers is 1 GiB.
    private static let longLog: Int64 = 256 << 20

    func examine() throws -> [Finding] {
        let files = try StoreFiles(path)
        // Before SQLite opens the files in this process: closing a descriptor of a file releases SQLite's locks on it.
        var findings = place(files) + LogReaders(files).examine() + permissions(files)
        let database = try MaintenanceDatabase.openForReading(path)
        defer { database.close() }
        do {
            findings.append(try schema(database))
            findings.append(library())
            findings.append(contentsOf: try contents(database))
            findings.append(try freePages(database))
            findings.append(try otherPrograms(database))
            findings.append(log(files))
            findings.append(backup(database))
        } catch let error as SQLiteError {
            findings.append(
                .error(
                    "structure",
                    "the database cannot be read: \(error.message)",
                    "stop the managers and restore a backup: beanrow restore FILE --database \(path)"
                )
            )
        }
        return findings
    }

    private func place(_ files: StoreFiles) -> [Finding] {
        var findings: [Finding] = []
        do {
            try FileSystemCheck.check(files)
            findings.append(.ok("file system", "a local file system"))
        } catch {
            findings.append(
                .error("file system", error.message, "move the database to a local disk, as a user who may write there")
            )
        }
        if let reason = OtherPaths.reason(files) {
            findings.append(
                .error("links", reason, "remove the other name, or mount the directory instead of the file")
            )
        } else {
            findings.append(.ok("links", "the files have one name each"))
        }
        return findings
    }

    private func permissions(_ files: StoreFiles) -> [Finding] {
        var information = stat()
        guard stat(files.database, &information) == 0 else { return [] }
        let (mode, owner) = (information.st_mode & 0o777, information.st_uid)
        for file in [files.log, files.sharedMemory, files.lock] {
            guard stat(file, &information) == 0 else { continue }
            if information.st_uid != owner {
                return [
                    .error(
                        "permissions",
                        "\(file) belongs to user \(information.st_uid), and the database to user \(owner)",
                        "stop the managers, then: chown --reference=\(files.database) \(file)"
                    )
                ]
            }
            if information.st_mode & 0o666 != mode & 0o666 {
                return [
                    .warning(
                        "permissions",
                        "\(file) has other permissions than the database",
                        "chmod --reference=\(files.database) \(file)"
                    )
                ]
            }
        }
        if mode & 0o007 != 0 {
            return [
                .warning(
                    "permissions",
                    "every user of this machine can read the tasks: the mode is \(String(mode, radix: 8))",
                    "chmod o= \(files.database)*"
                )
            ]
        }
        return [.ok("permissions", "the mode is \(String(mode, radix: 8)), for all files")]
    }

    private func schema(_ database: Database) throws -> Finding {
        let version = try database.integer("PRAGMA user_version") ?? 0
        guard case .older(let old) = try Schema.inspect(database) else {
            return .ok("schema", "version \(version)")
        }
        return .warning(
            "schema",
            "version \(old), and this program uses version \(Schema.version)",
            "beanrow migrate --database \(path), or start a manager of this version"
        )
    }

    /// SQLite before 3.51.3 can lose commits if two connections run a checkpoint and a commit in one moment.
    private func library() -> Finding {
        let version = Database.linkedVersion
        let parts = version.split(separator: ".").compactMap { Int($0) }
        guard parts.lexicographicallyPrecedes([3, 51, 3]) else { return .ok("library", "SQLite \(version)") }
        return .ok(
            "library",
            "SQLite \(version), in which other programs must not run checkpoints (sqlite.org/wal.html#walresetbug); "
                + "managers and `beanrow sql --write` run none beside each other"
        )
    }

    private func contents(_ database: Database) throws -> [Finding] {
        let check = StructureCheck(database)
        let problems = try check.quickCheck()
        guard problems.isEmpty else {
            return [
                .error(
                    "structure",
                    "quick_check: \(problems.joined(separator: "; "))",
                    "stop the managers and restore a backup: beanrow restore FILE --database \(path)"
                )
            ]
        }
        var findings = [Finding.ok("structure", "quick_check found nothing")]
        let damaged = try check.damagedBodies(limit: 10)
        findings.append(
            damaged.isEmpty
                ? .ok("bodies", "all checksums are right")
                : .error(
                    "bodies",
                    "damaged: task \(damaged.map(String.init).joined(separator: ", "))",
                    "the disk or the memory has failed: restore a backup, or delete these tasks and put them again"
                )
        )
        let wrong = try check.wrongCounts()
        findings.append(
            wrong.isEmpty
                ? .ok("counts", "the counts of all tubes are right")
                : .error(
                    "counts",
                    "wrong for \(wrong.count) tubes, such as \(wrong.prefix(3).joined(separator: ", "))",
                    "stop the managers, then: beanrow doctor --database \(path) --repair"
                )
        )
        return findings
    }

    private func freePages(_ database: Database) throws -> Finding {
        let free = try database.integer("PRAGMA freelist_count") ?? 0
        let all = max(1, try database.integer("PRAGMA page_count") ?? 1)
        let size = try database.integer("PRAGMA page_size") ?? 4096
        let text = "\(free * 100 / all) % of the file is free for new tasks (\(free * size) of \(all * size) bytes)"
        guard free * size > 1 << 30, free * 2 > all else { return .ok("free pages", text) }
        return .warning(
            "free pages",
            text,
            "to give the space back, stop the managers, then: sqlite3 \(path) VACUUM"
        )
    }

    /// Litestream keeps a read transaction open and runs checkpoints of its own.
    private func otherPrograms(_ database: Database) throws -> Finding {
        guard try !database.has("_litestream_seq"), try !database.has("_litestream_lock") else {
            return .error(
                "other programs",
                "Litestream has been used with this database; it runs checkpoints, which can lose tasks",
                "stop Litestream, drop the tables _litestream_seq and _litestream_lock, and use beanrow backup"
            )
        }
        return .ok("other programs", "no traces of Litestream")
    }

    private func log(_ files: StoreFiles) -> Finding {
        let length = fileLength(files.log)
        guard length > Self.longLog else { return .ok("log", "\(length) bytes") }
        return .warning(
            "log",
            "the log has grown to \(length) bytes; at --max-log-size, puts are refused",
            "end the program that reads: see the finding about readers"
        )
    }

    private func backup(_ database: Database) -> Finding {
        guard let time = BackupRecord.lastBackup(of: database) else {
            return .warning("backup", "no backup is known", "beanrow backup --database \(path) DIRECTORY --keep 7")
        }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let age = max(0, Int64(now.tv_sec) - time / 1000)
        guard age > 2 * 86_400 else { return .ok("backup", "\(age / 3600) hours ago") }
        return .warning(
            "backup",
            "\(age / 86_400) days ago",
            "beanrow backup --database \(path) DIRECTORY --keep 7"
        )
    }

    func repairCounts() throws -> [String] {
        try MaintenanceDatabase.alone(path, to: "repair") { files in
            do {
                let database = try Database.forMaintenance(files.database, readOnly: false)
                defer { database.close() }
                guard try Schema.inspect(database) == .current else {
                    throw StoreError(.unusable, "\(path): another schema version: run beanrow migrate first")
                }
                try database.execute("PRAGMA synchronous = FULL; BEGIN IMMEDIATE")
                let wrong = try StructureCheck(database).wrongCounts()
                try database.enableTriggers(false)
                try database.execute(StructureCheck.repair)
                try database.execute("COMMIT")
                _ = try database.checkpoint(MaintenanceDatabase.truncate)
                database.removeLogOnClose()
                return wrong
            } catch let error as SQLiteError {
                throw error.whileOpening(path)
            }
        }
    }
}
