import Glibc
import SystemThread
import TaskStore

/// Watches the log with inotify, to learn of the commits of all processes and programs.
///
/// A notification comes while the other process still writes, so before its commit can be seen. Only one notification
/// at a time is requested, so that a busy store does not pay for one per write (inotify(7), `IN_ONESHOT`).
final class WALWatcher {
    private let path: String
    private let descriptor: Int32

    /// Whether it was found to work.
    ///
    /// Some kernels and file systems accept a watch and never send a notification.
    private var works = false

    private var thread: SystemThread?

    /// A pipe to which nothing is written: closing one end ends the thread.
    private var ends: (read: Int32, write: Int32)?

    /// Opens an inotify descriptor; returns nil if the user has no more of them.
    ///
    /// - Parameter path: the log, which exists.
    init?(path: String) {
        self.path = path
        descriptor = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        stop()
        close(descriptor)
    }

    /// Requests a notification of the next write.
    ///
    /// - Returns: whether it is going to come.
    func arm() -> Bool {
        inotify_add_watch(descriptor, path, Self.events) >= 0 && works
    }

    /// Finds out whether watching works: whether this process's own commit since ``arm()`` was noticed.
    ///
    /// Called after a commit.
    func verify() {
        works = Self.drain(descriptor)
    }

    /// Sets the function that is called at the write that ``arm()`` has requested.
    ///
    /// It is called on a thread that is started for it, and must not block.
    ///
    /// - Throws: ``StoreError/Code/unusable``; the function is never called then.
    func setHandler(_ handler: @escaping @Sendable () -> Void) throws(StoreError) {
        stop()
        guard works else { return }
        // Until the thread runs.
        works = false
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw StoreError(.unusable, "watching \(path): \(lastSystemError())") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        self.ends = (ends[0], ends[1])
        thread = try SystemThread(for: "watching \(path)") { [descriptor, end = ends[0]] in
            while Self.sleep(on: descriptor, until: end) { handler() }
        }
        works = true
    }

    /// Sleeps until a process has written.
    ///
    /// - Returns: false when the other end of `end` is closed.
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

    /// Reads all events.
    ///
    /// - Returns: whether a write was among them; the end of a watch is an event too.
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
