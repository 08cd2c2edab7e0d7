import CPlatform
import Dispatch
import Synchronization
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
    private var attempt: Attempt?

    /// Makes a connector.
    ///
    /// - Parameters:
    ///   - address: a connection URI or string of libpq's.
    ///   - limit: how long `prepare` may take.
    ///   - prepare: prepares each connection, on the thread that makes it.
    init(_ address: String, limit: Duration, _ prepare: @escaping Preparation = { (_, _) throws(PostgresError) in }) {
        self.address = address
        self.limit = limit
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
        let left = max(.zero, deadline - .now)
        guard attempt.isDone.wait(timeout: .now() + .milliseconds(Int(left.milliseconds) + 1)) == .success else {
            throw .disconnected("the server does not answer")
        }
        self.attempt = nil
        let handover = attempt.result.withLock { result in
            defer { result = nil }
            return result
        }
        guard let handover else { throw .disconnected("no connection was made") }
        return try handover.result.get()
    }

    private func start(_ attempt: Attempt) throws(PostgresError) {
        let code = DetachedThread.start { attempt.run() }
        guard code == 0 else { throw .disconnected("no thread to connect with: error \(code)") }
    }
}
