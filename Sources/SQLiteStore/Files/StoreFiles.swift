import CPlatform
import CSQLiteShims
import Glibc
package import TaskStore

/// The files of a store: the database and the files beside it.
package struct StoreFiles: Sendable {
    /// The database, with symbolic links resolved: SQLite names its own files after the real file, and all managers
    /// have to use the same names.
    package let database: String

    /// The directory that holds all of them.
    package let directory: String

    /// SQLite's write-ahead log.
    package var log: String { database + "-wal" }

    /// SQLite's index of the log, with the locks of its readers and writers.
    ///
    /// Its path may be looked up, but it must not be opened.
    package var sharedMemory: String { database + "-shm" }

    /// The queue of writers, the liveness locks, and the shared page.
    package var lock: String { database + "-lock" }

    /// Disk space that is kept for a full disk.
    package var reserve: String { database + "-reserve" }

    /// Resolves a path.
    ///
    /// - Parameter path: from the user. The file need not exist, but its directory must.
    /// - Throws: ``StoreError/Code/unusable``.
    package init(_ path: String) throws(StoreError) {
        guard !path.isEmpty else { throw StoreError(.unusable, "no database file named") }
        if let real = Self.resolve(path) {
            self.database = real
            self.directory = Self.split(real).directory
            return
        }
        guard errno == ENOENT else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        var information = stat()
        // If a peer has made the file just now, it is not a link.
        guard lstat(path, &information) == -1 || information.st_mode & S_IFMT != S_IFLNK else {
            throw StoreError(.unusable, "\(path): a symbolic link that leads nowhere")
        }
        let (parent, name) = Self.split(path)
        guard !name.isEmpty, let directory = Self.resolve(parent) else {
            throw StoreError(.unusable, "\(path): there is no directory \(parent)")
        }
        self.directory = directory
        self.database = directory == "/" ? "/" + name : directory + "/" + name
    }

    private static func resolve(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }

    private static func split(_ path: String) -> (directory: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let directory = path[..<slash]
        return (directory.isEmpty ? "/" : String(directory), String(path[path.index(after: slash)...]))
    }
}
