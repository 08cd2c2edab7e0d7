import CPlatform
import CSQLiteShims
import Glibc
import TaskStore

/// The files of a store: the database and those that lie beside it.
struct StoreFiles: Sendable {
    /// The database, with symbolic links resolved: SQLite names its own side files after the real file, and all managers
    /// have to agree on the names.
    let database: String

    /// The directory that holds all of them.
    let directory: String

    /// SQLite's write-ahead log.
    var log: String { database + "-wal" }

    /// SQLite's index of the log, with the locks of its readers and writers: only to be looked at by name.
    var sharedMemory: String { database + "-shm" }

    /// The queue of writers, the proofs of life, and the managers' shared words.
    var lock: String { database + "-lock" }

    /// Space kept for a full disk.
    var reserve: String { database + "-reserve" }

    /// Finds out where a path leads.
    ///
    /// - Parameter path: as the user gave it; the file need not exist, its directory must.
    /// - Throws: ``StoreError/Code/unusable``.
    init(_ path: String) throws(StoreError) {
        guard !path.isEmpty else { throw StoreError(.unusable, "no database file named") }
        if let real = Self.resolve(path) {
            self.database = real
            self.directory = Self.split(real).directory
            return
        }
        guard errno == ENOENT else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        var information = stat()
        // A peer may have made the file just now; then it is no link.
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

extension StoreError {
    /// Makes the error of a system call that failed while a store was being opened.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - number: its `errno`.
    init(opening path: String, _ number: Int32 = errno) {
        self.init(beanrow_means_no_room(number) == 1 ? .full : .unusable, "\(path): \(systemErrorText(number))")
    }
}

/// What the last failed system call complained about, in words.
func lastSystemError() -> String {
    systemErrorText(errno)
}

/// What an `errno` means, in words.
func systemErrorText(_ number: Int32) -> String {
    String(cString: strerror(number))
}

/// Makes what was created in a directory survive a power cut.
///
/// - Throws: ``StoreError/Code/unusable``.
func syncDirectory(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
}

/// How long a file is, in bytes; 0 where there is none.
func fileLength(_ path: String) -> Int64 {
    max(0, beanrow_file_length(path))
}

/// Which file a name or a descriptor stands for.
struct FileIdentity: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    /// Looks a path up; nothing where there is no such file.
    init?(path: String) {
        var information = stat()
        guard stat(path, &information) == 0 else { return nil }
        self.init(information)
    }

    /// Looks an open descriptor up.
    init?(descriptor: Int32) {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { return nil }
        self.init(information)
    }

    private init(_ information: stat) {
        self.device = UInt64(information.st_dev)
        self.inode = UInt64(information.st_ino)
    }
}
