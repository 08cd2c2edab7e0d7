import CPlatform
import Dispatch
import Glibc
import Synchronization
import TaskStore

/// Hears when other managers have made tasks pending that sessions of this one wait for, and tells the others that this
/// manager lives: a connection of its own, and the thread that sleeps on it.
///
/// The heartbeat does not wait for a batch that is slow. But it goes on only while the owner says that it lives (see
/// ``lives(until:)``), so that a manager whose event loop hangs is found dead.
///
/// If the connection is lost it makes another one, with growing delays, and then calls the handler, since it cannot know
/// what it has missed.
final class Listener {
    /// What the thread and its owner share.
    private final class Shared: Sendable {
        struct State {
            var handler: (@Sendable () -> Void)?
            var channel = ""
            var manager = ManagerID(rawValue: 0)
            var isStopping = false

            /// How long the owner is known to live.
            var livesUntil = ContinuousClock.now
        }

        let address: String
        let schema: String
        let lease: Duration
        let state = Mutex(State())

        /// A byte in it makes the thread look at the state.
        let alarm: (read: Int32, write: Int32)

        /// Signalled after the first attempt to listen.
        let hasTried = DispatchSemaphore(value: 0)

        /// Signalled when the thread is about to end.
        let hasEnded = DispatchSemaphore(value: 0)

        init(address: String, schema: String, lease: Duration) {
            self.address = address
            self.schema = schema
            self.lease = lease
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

        /// How long one question may take.
        private static let patience = Duration.seconds(4)

        /// What the connection begins with.
        ///
        /// A heartbeat need not last, and must not wait for a standby.
        private var setup: String {
            """
            SET search_path TO \(quoted(schema));
            SET client_min_messages TO warning;
            SET synchronous_commit TO off;
            SET lock_timeout TO 1000;
            SET statement_timeout TO 0;
            """
        }

        /// Runs until the owner says stop.
        func run() {
            var link: Link?
            var outage = Outage()
            var channel = ""
            var nextBeat = ContinuousClock.now
            while true {
                let state = state.withLock { $0 }
                if state.isStopping { break }
                do {
                    if link == nil || link?.isBroken == true || channel != state.channel {
                        link = nil
                        let next = try Link(address)
                        let start = "\(setup) LISTEN \(quoted(state.channel))"
                        try next.execute(start, until: .now + Self.patience)
                        link = next
                        channel = state.channel
                        nextBeat = .now
                        outage.end()
                        call()
                        hasTried.signal()
                    }
                    if let link, nextBeat <= .now {
                        if state.livesUntil >= .now {
                            try link.execute("SELECT beat_2(\(state.manager))", until: .now + Self.patience)
                        }
                        nextBeat = .now + lease / 4
                        if try link.takeNotifications() > 0 { call() }
                    }
                    if sleep(on: link?.socket, until: nextBeat), let link, try link.takeNotifications() > 0 { call() }
                } catch {
                    link = nil
                    outage.failed()
                    hasTried.signal()
                    _ = sleep(on: nil, until: outage.nextAttempt)
                }
            }
            hasEnded.signal()
        }

        /// Calls the handler that is set now, and not the one that was when the thread went to sleep.
        private func call() {
            let handler = state.withLock { $0.handler }
            handler?()
        }

        /// Waits for the server or the owner.
        ///
        /// - Returns: whether the server has sent something.
        private func sleep(on socket: Int32?, until instant: ContinuousClock.Instant) -> Bool {
            var descriptors = [
                pollfd(fd: alarm.read, events: Int16(POLLIN), revents: 0),
                pollfd(fd: socket ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let left = max(.zero, instant - .now).milliseconds + 1
            guard poll(&descriptors, 2, Int32(clamping: left)) > 0 else { return false }
            drainAlarm()
            return descriptors[1].revents != 0
        }

        private func drainAlarm() {
            withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
                while read(alarm.read, buffer.baseAddress, buffer.count) == buffer.count {}
            }
        }
    }

    private let shared: Shared
    private var isRunning = false

    /// Makes a listener that does nothing yet.
    ///
    /// - Parameters:
    ///   - address: a connection URI or string of libpq's.
    ///   - schema: the schema that has the tables.
    ///   - lease: how long the manager may show no sign of life; it shows one four times in that.
    init(address: String, schema: String, lease: Duration) {
        self.shared = Shared(address: address, schema: schema, lease: lease)
    }

    /// Sets the handler that is called; on the thread, and may not block.
    func setHandler(_ handler: @escaping @Sendable () -> Void) {
        shared.state.withLock { $0.handler = handler }
    }

    /// Has the heartbeat go on until then; to be said over and over by what is to live.
    func lives(until instant: ContinuousClock.Instant) {
        shared.state.withLock { $0.livesUntil = instant }
    }

    /// Listens from now on for what concerns a manager, and says that it lives.
    ///
    /// - Parameters:
    ///   - manager: the manager's number.
    ///   - deadline: when waiting for the first attempt to connect ends.
    /// - Throws: ``StoreError/Code/unusable`` if no thread can be started.
    func listen(for manager: ManagerID, until deadline: ContinuousClock.Instant) throws(StoreError) {
        shared.state.withLock { state in
            state.channel = "\(shared.schema).\(manager)"
            state.manager = manager
        }
        guard !isRunning else { return ring() }
        let code = DetachedThread.start { [shared] in shared.run() }
        guard code == 0 else { throw StoreError(.unusable, "no thread to listen to PostgreSQL: error \(code)") }
        isRunning = true
        let left = max(.zero, deadline - .now)
        _ = shared.hasTried.wait(timeout: .now() + .milliseconds(Int(left.milliseconds) + 1))
    }

    /// Ends the thread.
    ///
    /// Waits a moment for it; if it is just connecting, it ends after that.
    func stop() {
        guard isRunning else { return }
        isRunning = false
        shared.state.withLock { state in
            state.isStopping = true
            state.handler = nil
        }
        ring()
        _ = shared.hasEnded.wait(timeout: .now() + .seconds(1))
    }

    private func ring() {
        // A full pipe wakes the thread just as well, so a failed write is fine.
        _ = Glibc.write(shared.alarm.write, "\n", 1)
    }
}

/// A name as it stands in SQL.
func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
