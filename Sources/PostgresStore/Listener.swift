import CPlatform
import Dispatch
import Glibc
import Synchronization
import TaskStore

/// Hears when other managers have made tasks pending that sessions of this one wait for: a connection of its own that
/// listens, and the thread that sleeps on it.
///
/// Where the connection is lost it makes another one, with growing delays, and then calls the handler, since it cannot know
/// what it has missed.
final class Listener {
    /// What the thread and its owner share.
    private final class Shared: Sendable {
        struct State {
            var handler: (@Sendable () -> Void)?
            var channel = ""
            var isStopping = false
        }

        let address: String
        let state = Mutex(State())

        /// A byte in it makes the thread look at the state.
        let alarm: (read: Int32, write: Int32)

        /// Signalled after the first attempt to listen.
        let hasTried = DispatchSemaphore(value: 0)

        init(address: String) {
            self.address = address
            var ends: [Int32] = [-1, -1]
            if pipe(&ends) == 0 {
                for end in ends {
                    _ = fcntl(end, F_SETFD, FD_CLOEXEC)
                    _ = fcntl(end, F_SETFL, O_NONBLOCK)
                }
            }
            alarm = (ends[0], ends[1])
        }

        deinit {
            close(alarm.read)
            close(alarm.write)
        }

        /// Runs until the owner says stop.
        func run() {
            var link: Link?
            var outage = Outage()
            var channel = ""
            while true {
                let state = state.withLock { $0 }
                if state.isStopping { return }
                do {
                    if link == nil || link?.isBroken == true || channel != state.channel {
                        let next = try Link(address)
                        try next.execute("LISTEN \(quoted(state.channel))")
                        link = next
                        channel = state.channel
                        outage.end()
                        call()
                        hasTried.signal()
                    }
                    if sleep(on: link?.socket), let link, try link.takeNotifications() > 0 { call() }
                } catch {
                    link = nil
                    outage.failed()
                    hasTried.signal()
                    sleep(until: outage.nextAttempt)
                }
            }
        }

        /// Calls the handler that is set now, and not the one that was when the thread went to sleep.
        private func call() {
            let handler = state.withLock { $0.handler }
            handler?()
        }

        /// Waits for the server or the owner.
        ///
        /// - Returns: whether the server has sent something.
        private func sleep(on socket: Int32?) -> Bool {
            var descriptors = [
                pollfd(fd: alarm.read, events: Int16(POLLIN), revents: 0),
                pollfd(fd: socket ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&descriptors, 2, -1) > 0 else { return false }
            drainAlarm()
            return descriptors[1].revents != 0
        }

        private func sleep(until instant: ContinuousClock.Instant) {
            var descriptor = pollfd(fd: alarm.read, events: Int16(POLLIN), revents: 0)
            let left = max(.zero, instant - .now).components
            _ = poll(&descriptor, 1, Int32(left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1))
            drainAlarm()
        }

        private func drainAlarm() {
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
                while read(alarm.read, buffer.baseAddress, buffer.count) == buffer.count {}
            }
        }
    }

    private let shared: Shared
    private let schema: String
    private var thread: pthread_t?

    init(address: String, schema: String) {
        self.shared = Shared(address: address)
        self.schema = schema
    }

    /// Sets who is called; on the thread, and may not block.
    func setHandler(_ handler: @escaping @Sendable () -> Void) {
        shared.state.withLock { $0.handler = handler }
    }

    /// Listens from now on for what concerns a manager; returns after the first attempt to.
    ///
    /// - Throws: ``StoreError/Code/unusable`` where there is no thread to be had.
    func listen(for manager: ManagerID) throws(StoreError) {
        shared.state.withLock { $0.channel = "\(schema).\(manager)" }
        if thread == nil {
            try start()
            shared.hasTried.wait()
        } else {
            ring()
        }
    }

    /// Ends the thread and waits for its end.
    func stop() {
        guard let thread else { return }
        shared.state.withLock { $0.isStopping = true }
        ring()
        pthread_join(thread, nil)
        self.thread = nil
    }

    private func ring() {
        // A full pipe wakes the thread just as well, so a failed write is fine.
        _ = Glibc.write(shared.alarm.write, "\n", 1)
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
            throw StoreError(.unusable, "no thread to listen to PostgreSQL: error \(code)")
        }
        self.thread = thread
    }
}

/// A name as it stands in SQL.
func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
