import Dispatch
import Synchronization
import SystemThread
import TaskStore

/// Makes connections on threads of their own, so that neither a name server nor a silent database can block an event loop.
///
/// Only one thread at a time may use it. An attempt that is not over in time continues, and the next call waits for it.
final class Connector {
    /// What is done to a connection before it is handed over.
    typealias Preparation = @Sendable (PostgresConnection, ContinuousClock.Instant) throws(PostgresError) -> Void

    /// One attempt to connect.
    private final class Attempt: Sendable {
        /// Carries a connection from the thread that made it to the one that uses it.
        ///
        /// Sending it is safe: the first thread keeps no reference.
        struct Handover: @unchecked Sendable {
            let result: Result<PostgresConnection, PostgresError>
        }

        let address: String
        let limit: Duration
        let prepare: Preparation
        let result = Mutex<Handover?>(nil)
        let isDone = DispatchSemaphore(value: 0)

        init(_ address: String, _ limit: Duration, _ prepare: @escaping Preparation) {
            self.address = address
            self.limit = limit
            self.prepare = prepare
        }

        func run() {
            let made: Result<PostgresConnection, PostgresError>
            do throws(PostgresError) {
                let connection = try PostgresConnection(address)
                try prepare(connection, .now + limit)
                made = .success(connection)
            } catch {
                made = .failure(error)
            }
            let handover = Handover(result: made)
            result.withLock { $0 = handover }
            isDone.signal()
        }
    }

    private let address: String
    private let limit: Duration
    private let prepare: Preparation
    private let stop: StopSignal
    private var attempt: Attempt?

    /// Makes a connector.
    ///
    /// - Parameters:
    ///   - address: a connection URI or string of libpq's.
    ///   - limit: how long `prepare` may take.
    ///   - stop: shortens waits once the process has to end.
    ///   - prepare: prepares each connection, on the thread that makes it.
    init(
        _ address: String,
        limit: Duration,
        stop: StopSignal,
        _ prepare: @escaping Preparation = { (_, _) throws(PostgresError) in }
    ) {
        self.address = address
        self.limit = limit
        self.stop = stop
        self.prepare = prepare
    }

    /// Connects, or waits for the attempt of an earlier call.
    ///
    /// - Parameter deadline: when waiting ends.
    /// - Returns: the connection, prepared.
    /// - Throws: ``PostgresError``.
    func connect(until deadline: ContinuousClock.Instant) throws(PostgresError) -> PostgresConnection {
        let attempt: Attempt
        if let known = self.attempt {
            attempt = known
        } else {
            attempt = Attempt(address, limit, prepare)
            try start(attempt)
            self.attempt = attempt
        }
        try wait(for: attempt, until: deadline)
        self.attempt = nil
        let handover = attempt.result.withLock { result in
            defer { result = nil }
            return result
        }
        guard let handover else { throw .disconnected("no connection was made") }
        let connection = try handover.result.get()
        connection.stop = stop
        return connection
    }

    private func wait(for attempt: Attempt, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        while true {
            let left = max(.zero, stop.end(ofTryingUntil: deadline) - .now)
            let time = DispatchTimeInterval.milliseconds(Int(min(left, StopSignal.interval).milliseconds) + 1)
            if attempt.isDone.wait(timeout: .now() + time) == .success { return }
            guard left > .zero else { throw .disconnected("the server does not answer") }
        }
    }

    private func start(_ attempt: Attempt) throws(PostgresError) {
        do {
            try SystemThread.detach { attempt.run() }
        } catch {
            throw .disconnected("no thread to connect with: \(error)")
        }
    }
}
