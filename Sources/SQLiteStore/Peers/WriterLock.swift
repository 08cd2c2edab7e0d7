import Glibc
import TaskStore

/// The queue of writers: whoever wants to change the database waits here first.
///
/// SQLite's own lock is first come, luckiest served: under load one process can wait for seconds while the others take
/// turns. flock(2) serves in order. It is a queue and nothing more; correctness rests on SQLite's lock, which other programs
/// take without queueing here.
final class WriterLock {
    private let descriptor: Int32
    private let path: String

    /// Opens the lock file, creating it if need be.
    ///
    /// - Parameters:
    ///   - path: the lock file.
    ///   - mode: its permissions if it is created.
    /// - Throws: ``StoreError/Code/unusable``.
    init(path: String, mode: mode_t) throws(StoreError) {
        self.path = path
        self.descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw StoreError(opening: path) }
        FileMode.set(of: descriptor, mode)
    }

    deinit {
        close(descriptor)
    }

    /// Which file it is.
    var identity: FileIdentity? { FileIdentity(descriptor: descriptor) }

    /// Maps the words that the lock file holds.
    ///
    /// The lock is held.
    func mapSharedPage() throws(StoreError) -> SharedPage {
        try SharedPage(descriptor: descriptor, path: path)
    }

    /// Waits for its turn, for as long as it takes.
    func lock() throws(StoreError) {
        while flock(descriptor, LOCK_EX) == -1 {
            guard errno == EINTR else { throw StoreError(.failed, "\(path): \(lastSystemError())") }
        }
    }

    /// Lets the next one in.
    func unlock() {
        flock(descriptor, LOCK_UN)
    }
}
