import Glibc
import TaskStore

/// The kernel's word that somebody writes to the log: whoever commits does, with whatever program.
///
/// It comes while the writer still writes, so before the commit that may follow can be seen. It is asked for once at a
/// time, so that a busy store does not pay for it with every write (inotify(7), `IN_ONESHOT`).
final class WALWatcher {
    private let path: String
    private let descriptor: Int32

    /// Whether it was found to work.
    ///
    /// There are kernels and file systems that accept a watch and never say anything.
    private var works = false

    private var thread: StoreThread?

    /// Of a pipe that nothing is written to: closing one end ends the thread.
    private var ends: (read: Int32, write: Int32)?

    /// Gets ready to watch; nothing where the kernel has no watch left to give: there is a bound for each user.
    ///
    /// - Parameter path: the log, which is there.
    init?(path: String) {
        self.path = path
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        stop()
        close(descriptor)
    }

    /// Has the next write heard.
    ///
    /// - Returns: whether it is going to.
    func arm() -> Bool {
        inotify_add_watch(descriptor, path, Self.events) >= 0 && works
    }

    /// Notes whether a write since ``arm()`` was noticed, and forgets it.
    ///
    /// To be called after a commit.
    func checkItSaw() {
        works = Self.drain(descriptor)
    }

    /// Sets who is called at the write that ``arm()`` asked for; on a thread, which is started for it, and may not block.
    ///
    /// - Throws: ``StoreError/Code/unusable``; nobody is going to be called then.
    func setHandler(_ handler: @escaping @Sendable () -> Void) throws(StoreError) {
        stop()
        guard works else { return }
        // Until there is a thread that hears it.
        works = false
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw StoreError(.unusable, "watching \(path): \(lastSystemError())") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.ends = (ends[0], ends[1])
        thread = try StoreThread(for: "watching \(path)") { [descriptor, end = ends[0]] in
            while Self.sleep(on: descriptor, until: end) { handler() }
        }
        works = true
    }

    /// Sleeps until somebody has written.
    ///
    /// - Returns: false once the other descriptor's other end is closed.
    private static func sleep(on descriptor: Int32, until end: Int32) -> Bool {
        var requests = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: end, events: 0, revents: 0),
        ]
        repeat {
            while poll(&requests, 2, -1) < 0 {
                guard errno == EINTR else { return false }
            }
            guard requests[1].revents == 0 else { return false }
        } while !drain(descriptor)
        return true
    }

    /// Ends the thread and waits for its end.
    func stop() {
        guard let ends else { return }
        close(ends.write)
        thread?.join()
        thread = nil
        close(ends.read)
        self.ends = nil
    }

    /// Takes out what is there.
    ///
    /// - Returns: whether a write was among it; that a watch is over is told too.
    private static func drain(_ descriptor: Int32) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 8) { buffer in
            var wasWritten = false
            while true {
                let count = read(descriptor, buffer.baseAddress, buffer.count)
                if count == -1, errno == EINTR { continue }
                guard count > 0 else { return wasWritten }
                var offset = 0
                while offset < count {
                    let event = buffer.load(fromByteOffset: offset, as: inotify_event.self)
                    if event.mask & UInt32(IN_MODIFY) != 0 { wasWritten = true }
                    offset += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
        }
    }

    private static let events = UInt32(IN_MODIFY) | UInt32(IN_ONESHOT)
}
