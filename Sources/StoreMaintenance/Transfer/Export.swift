internal import Foundation
internal import Glibc
internal import TaskStore

/// Writes a snapshot of a database as JSON lines.
///
/// It reads within one transaction. Managers may run, and what they change during this time is not in the export.
package struct Export {
    /// What an export wrote.
    package struct Result: Sendable, Equatable {
        package var tubes: Int
        package var tasks: Int
        package var keys: Int
    }

    /// The database.
    package var database: DatabaseLocation

    /// The length of the log in bytes at which the export of a file gives up, since it keeps the log from being emptied.
    package var logLimit: Int64

    /// Called with the number of tasks now and then, on the calling thread.
    package var progress: (Int) -> Void

    /// Creates an export.
    package init(
        of database: DatabaseLocation,
        logLimit: Int64,
        progress: @escaping (Int) -> Void = { _ in }
    ) {
        self.database = database
        self.logLimit = logLimit
        self.progress = progress
    }

    /// Writes to a new file of mode 0600, which appears under its name when it is complete and on the disk.
    ///
    /// - Parameter path: the file; it must not exist.
    /// - Returns: what was written.
    /// - Throws: `StoreError`. Nothing is left behind then, unless the process is killed: then a file with `.partial` at
    ///   the end of its name.
    package func run(to path: String) throws -> Result {
        guard access(path, F_OK) != 0 else { throw StoreError(.unusable, "\(path): exists already") }
        let partial = try PartialFile(path)
        do {
            let result = try run(to: partial.descriptor, named: path)
            try partial.publish()
            return result
        } catch {
            partial.remove()
            throw error
        }
    }

    /// Writes to a descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: the descriptor, such as standard output.
    ///   - name: its name in messages.
    /// - Returns: what was written.
    /// - Throws: `StoreError`.
    package func run(to descriptor: Int32, named name: String) throws -> Result {
        let sink = ExportSink(descriptor, path: name, progress: progress)
        switch database {
        case .file(let path): try SQLiteExport(path: path, logLimit: logLimit).write(to: sink)
        case .server(let address): try PostgresExport(address: address).write(to: sink)
        }
        try sink.finish()
        return Result(tubes: sink.end.tubes, tasks: sink.end.tasks, keys: sink.end.keys)
    }

    /// Returns the first line of an export that is taken now.
    static func header(store: String, lastTask: Int64) -> ExportLine {
        .header(
            ExportHeader(
                version: ExportHeader.currentVersion,
                export: UUID().uuidString.lowercased(),
                store: store,
                taken: Int64(Date().timeIntervalSince1970 * 1000),
                lastTask: lastTask
            )
        )
    }
}
