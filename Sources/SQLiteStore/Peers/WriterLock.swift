package import Glibc
package import TaskStore

/// The queue of writers: a manager that wants to change the database waits here first.
///
/// SQLite's own lock has no order: under load one process can wait for seconds while the others take turns. flock(2)
/// has an order. It is only a queue; correctness depends on SQLite's lock, which other programs take without waiting
/// here.
package final class WriterLock {
    private let descriptor: Int32
    private let path: String
    private let wait: StoreWait

    /// Opens the lock file, and creates it if necessary.
    ///
    /// - Parameters:
    ///   - path: the lock file.
    ///   - mode: its permissions if it is created.
    ///   - wait: receives what it waits for.
    /// - Throws: ``StoreError/Code/unusable``.
    package init(path: String, mode: mode_t, wait: StoreWait = StoreWait()) throws(StoreError) {
        self.path = path
        self.wait = wait
        self.descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw StoreError(opening: path) }
        FileMode.set(of: descriptor, mode)
    }

    deinit {
        close(descriptor)
    }

    /// The identity of the file.
    var identity: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Maps the words in the lock file.
    ///
    /// The lock is held.
    func mapSharedPage() throws(StoreError) -> SharedPage {
        try SharedPage(descriptor: descriptor, path: path)
    }

    /// Waits for its turn, as long as necessary.
    package func lock() throws(StoreError) {
        try wait.during(.lock) { () throws(StoreError) in
            while flock(descriptor, LOCK_EX) == -1 {
                guard errno == EINTR else { throw StoreError(.failed, "\(path): \(lastSystemError())") }
            }
        }
    }

    /// Releases the lock for the next manager.
    package func unlock() {
        flock(descriptor, LOCK_UN)
    }
}
