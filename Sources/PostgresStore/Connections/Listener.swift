import Dispatch
import Glibc
import Synchronization
import SystemThread
import TaskStore

/// Receives notifications of other managers about tasks that sessions of this one wait for, and sends the heartbeat: on its
/// own connection, with its own thread.
///
/// The heartbeat does not wait for a slow batch. But it continues only while the owner shows that it is alive (see
/// ``liveUntil(_:)``). So a manager whose event loop hangs is found dead.
///
/// If the connection is lost, it makes another one, with exponential backoff. Then it calls the handler, since notifications
/// may be missing.
final class Listener {
    /// The state that the thread and its owner share.
    private final class Shared: Sendable {
        struct State {
            var handler: (@Sendable () -> Void)?
            var channel = ""
            var manager = ManagerID(rawValue: 0)
            var isStopping = false

            /// Until when the owner is known to be alive.
            var aliveUntil = ContinuousClock.now
        }

        let address: String
        let schema: String
        let lease: Duration
        let stop: StopSignal
        let state = Mutex(State())

        /// A pipe.
        ///
        /// A byte in it makes the thread read the state.
        let alarm: (read: Int32, write: Int32)

        /// Signalled after the first attempt to listen.
        let hasTried = DispatchSemaphore(value: 0)

        /// Signalled when the thread is about to end.
        let hasEnded = DispatchSemaphore(value: 0)

        init(address: String, schema: String, lease: Duration, stop: StopSignal) {
            self.address = address
            self.schema = schema
            self.lease = lease
            self.stop = stop
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

        /// How long one statement may take.
        private static let timeout = Duration.seconds(4)

        /// The settings of the connection.
        ///
        /// A heartbeat need not be durable, and must not wait for a standby.
        private var setup: String {
            """
            SET search_path TO \(quoted(schema));
            SET client_min_messages TO warning;
            SET synchronous_commit TO off;
            SET lock_timeout TO 1000;
            SET statement_timeout TO 0;
            """
        }

        /// Runs until the owner stops it.
        func run() {
            var connection: PostgresConnection?
            var backoff = ReconnectBackoff()
            var channel = ""
            var nextBeat = ContinuousClock.now
            while true {
                let state = state.withLock { $0 }
                if state.isStopping { break }
                do {
                    if connection == nil || connection?.isBroken == true || channel != state.channel {
                        connection = nil
                        let next = try PostgresConnection(address)
                        next.stop = stop
                        let start = "\(next.keepaliveSettings) \(setup) LISTEN \(quoted(state.channel))"
                        try next.execute(start, until: .now + Self.timeout)
                        connection = next
                        channel = state.channel
                        nextBeat = .now
                        backoff.reset()
                        call()
                        hasTried.signal()
                    }
                    if let connection, nextBeat <= .now {
                        if state.aliveUntil >= .now {
                            try connection.execute("SELECT beat_2(\(state.manager))", until: .now + Self.timeout)
                        }
                        nextBeat = .now + lease / 4
                        if try connection.takeNotifications() > 0 { call() }
                    }
                    if sleep(on: connection?.socket, until: nextBeat), let connection,
                        try connection.takeNotifications() > 0
                    {
                        call()
                    }
                } catch {
                    connection = nil
                    backoff.noteFailure()
                    hasTried.signal()
                    _ = sleep(on: nil, until: backoff.nextAttempt)
                }
            }
            hasEnded.signal()
        }

        /// Calls the handler that is set now, which may not be the one from when the thread went to sleep.
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

    /// Makes a listener without a thread.
    ///
    /// - Parameters:
    ///   - address: a connection URI or string of libpq's.
    ///   - schema: the schema that has the tables.
    ///   - lease: how long the manager may show no sign of life. It shows one four times in this time.
    ///   - stop: shortens waits once the process has to end.
    init(address: String, schema: String, lease: Duration, stop: StopSignal) {
        self.shared = Shared(address: address, schema: schema, lease: lease, stop: stop)
    }

    /// Sets the handler, which is called on the thread and must not block.
    func setHandler(_ handler: @escaping @Sendable () -> Void) {
        shared.state.withLock { $0.handler = handler }
    }

    /// Continues the heartbeat until then.
    ///
    /// The owner calls it again and again while it is alive.
    func liveUntil(_ instant: ContinuousClock.Instant) {
        shared.state.withLock { $0.aliveUntil = instant }
    }

    /// Begins to listen for a manager, and to send its heartbeat.
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
        guard !isRunning else { return wakeThread() }
        do {
            try SystemThread.detach { [shared] in shared.run() }
        } catch {
            throw StoreError(.unusable, "no thread to listen to PostgreSQL: \(error)")
        }
        isRunning = true
        let left = max(.zero, deadline - .now)
        _ = shared.hasTried.wait(timeout: .now() + .milliseconds(Int(left.milliseconds) + 1))
    }

    /// Ends the thread.
    ///
    /// Waits a moment for it. If it is connecting, it ends later.
    func stop() {
        guard isRunning else { return }
        isRunning = false
        shared.state.withLock { state in
            state.isStopping = true
            state.handler = nil
        }
        wakeThread()
        // If the process has to end, it has waited for the server already.
        let left = max(.milliseconds(10), shared.stop.end(ofTryingUntil: .now + .seconds(1)) - .now)
        _ = shared.hasEnded.wait(timeout: .now() + .milliseconds(Int(left.milliseconds)))
    }

    private func wakeThread() {
        // A full pipe wakes the thread too, so a failed write does no harm.
        _ = Glibc.write(shared.alarm.write, "\n", 1)
    }
}

/// Returns a name as SQL quotes it.
func quoted(_ name: String) -> String {
    "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}
