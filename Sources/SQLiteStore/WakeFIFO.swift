import CPlatform
import Glibc
import Synchronization
import TaskStore

/// Where peers wake this manager: a FIFO, and the thread that sleeps on it where nobody else does.
///
/// A peer writes a byte after a commit that this manager may wait for. The thread takes out all bytes there are and calls
/// the handler once.
final class WakeFIFO {
    /// Who is called.
    ///
    /// A type of its own: a closure by itself would get another wrapping, and none taken off, each time it is read out of a
    /// generic type such as `Mutex`, until calling it overflows the stack.
    private struct Handler: Sendable {
        let call: @Sendable () -> Void
    }

    /// What the thread and its owner share.
    private final class Shared: Sendable {
        let descriptor: Int32
        let stopping = Atomic<Bool>(false)
        let handler = Mutex<Handler?>(nil)

        init(descriptor: Int32) {
            self.descriptor = descriptor
        }

        /// Runs until the owner says stop.
        func run() {
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while true {
                guard poll(&request, 1, -1) > 0 || errno == EINTR else { return }
                drain()
                if stopping.load(ordering: .acquiring) { return }
                let handler = handler.withLock { $0 }
                handler?.call()
            }
        }

        private func drain() {
            withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
                while true {
                    let count = read(descriptor, buffer.baseAddress, buffer.count)
                    if count == buffer.count || count == -1 && errno == EINTR { continue }
                    return
                }
            }
        }
    }

    private let path: String
    private let shared: Shared
    private var thread: pthread_t?

    /// Makes the FIFO.
    ///
    /// Whoever had the slot before is dead, and so is its FIFO.
    ///
    /// - Parameters:
    ///   - path: where the FIFO is to be.
    ///   - mode: its permissions.
    /// - Throws: ``StoreError/Code/unusable``.
    init(path: String, mode: mode_t) throws(StoreError) {
        self.path = path
        unlink(path)
        guard mkfifo(path, mode) == 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        // Open for writing too, so that it never reads an end when the last peer closes its side.
        let descriptor = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let error = StoreError(.unusable, "\(path): \(lastSystemError())")
            unlink(path)
            throw error
        }
        self.shared = Shared(descriptor: descriptor)
    }

    deinit {
        stop()
        close(shared.descriptor)
    }

    /// Sets who is called when a peer wakes this manager; on the thread, which is started for it, and may not block.
    ///
    /// - Throws: ``StoreError/Code/unusable``.
    func setHandler(_ handler: @escaping @Sendable () -> Void) throws(StoreError) {
        shared.handler.withLock { $0 = Handler(call: handler) }
        if thread == nil { try start() }
    }

    /// A descriptor of the FIFO for a caller that watches it itself, and closes it; nothing where there is none to be had.
    func duplicate() -> Int32? {
        let descriptor = fcntl(shared.descriptor, F_DUPFD_CLOEXEC, 0)
        return descriptor >= 0 ? descriptor : nil
    }

    /// Removes the FIFO's name.
    func remove() {
        unlink(path)
    }

    /// Ends the thread and waits for its end.
    func stop() {
        guard let thread else { return }
        shared.stopping.store(true, ordering: .releasing)
        // A full FIFO wakes the thread just as well, so a failed write is fine.
        _ = Glibc.write(shared.descriptor, "\n", 1)
        pthread_join(thread, nil)
        self.thread = nil
    }

    private func start() throws(StoreError) {
        var thread = pthread_t()
        let argument = Unmanaged.passRetained(shared)
        let run: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { argument in
            guard let argument else { return nil }
            Unmanaged<Shared>.fromOpaque(argument).takeRetainedValue().run()
            return nil
        }
        let code = beanrow_start_thread(&thread, run, argument.toOpaque())
        guard code == 0 else {
            argument.release()
            throw StoreError(.unusable, "no thread for \(path): \(systemErrorText(code))")
        }
        self.thread = thread
    }
}
