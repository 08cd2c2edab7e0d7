import Glibc

/// The kernel's word that somebody writes to the log: whoever commits does, with whatever program.
///
/// It comes while the writer still writes, so before the commit that may follow can be seen. It is asked for once at a
/// time, so that a busy store does not pay for it with every write (inotify(7), `IN_ONESHOT`).
final class LogWatch {
    private let path: String
    private let descriptor: Int32

    /// Whether it was found to work.
    ///
    /// There are kernels and file systems that accept a watch and never say anything.
    private var works = false

    /// Gets ready to watch; nothing where the kernel has no watch left to give: there is a bound for each user.
    ///
    /// - Parameter path: the log, which is there.
    init?(path: String) {
        self.path = path
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        close(descriptor)
    }

    /// Has the next write make the descriptor readable.
    ///
    /// - Returns: whether it is going to.
    func arm() -> Bool {
        inotify_add_watch(descriptor, path, Self.events) >= 0 && works
    }

    /// Notes whether a write since ``arm()`` was noticed, and forgets it.
    ///
    /// To be called after a commit.
    func checkItSaw() {
        works = withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { buffer in
            var count = 0
            while true {
                let part = read(descriptor, buffer.baseAddress, buffer.count)
                if part > 0 { count += part } else if errno != EINTR { return count > 0 }
            }
        }
    }

    /// A descriptor for a caller that waits for it to become readable, and closes it; nothing where there is none to be had.
    func duplicate() -> Int32? {
        guard works else { return nil }
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        return duplicate >= 0 ? duplicate : nil
    }

    private static let events = UInt32(IN_MODIFY) | UInt32(IN_ONESHOT)
}
