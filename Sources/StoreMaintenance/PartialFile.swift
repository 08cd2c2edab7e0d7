internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// A file that is written beside its final name, and gets this name when it is complete.
///
/// The file is `NAME.partial`, with the mode 0600 while it is written. A lock on it tells whether another process
/// writes it. If a process was killed, the next one writes the file again.
struct PartialFile: ~Copyable {
    /// The final path.
    let path: String

    /// The path while it is written.
    var partial: String { path + ".partial" }

    /// The file, open for writing.
    let descriptor: Int32

    /// Creates the file, empty.
    ///
    /// - Parameter path: the final path.
    /// - Throws: `StoreError`, also if another process writes the same file.
    init(_ path: String) throws(StoreError) {
        self.path = path
        let partial = path + ".partial"
        descriptor = open(partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(partial): \(lastSystemError())") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno == EWOULDBLOCK ? "another process writes it" : lastSystemError()
            close(descriptor)
            throw StoreError(.inUse, "\(partial): \(reason)")
        }
        guard fchmod(descriptor, 0o600) == 0, ftruncate(descriptor, 0) == 0 else {
            let reason = lastSystemError()
            close(descriptor)
            throw StoreError(.unusable, "\(partial): \(reason)")
        }
    }

    deinit {
        close(descriptor)
    }

    /// Syncs the file, gives it its final name, and syncs the directory.
    ///
    /// A file that has this name already is replaced.
    func publish() throws(StoreError) {
        guard fsync(descriptor) == 0 else { throw StoreError(.unusable, "\(partial): \(lastSystemError())") }
        guard rename(partial, path) == 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        try syncDirectory(FilePaths.directory(of: path))
    }

    /// Removes the file.
    func remove() {
        unlink(partial)
    }
}
