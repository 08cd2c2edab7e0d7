import CPostgres
import Glibc

/// One connection to the server, used in libpq's pipeline mode: several statements are sent together.
///
/// Only one thread at a time may use it. It blocks that thread, but never beyond a deadline.
final class PostgresConnection {
    /// A statement and its parameters.
    struct Request {
        var statement: Statement
        var parameters: Parameters

        init(_ statement: Statement, _ parameters: Parameters = Parameters()) {
            self.statement = statement
            self.parameters = parameters
        }
    }

    let handle: OpaquePointer

    /// Whether nothing can be sent any more.
    var isBroken = false

    /// The server's number for the type of operations; 0 before the pipeline is started.
    var operationType: Int32 = 0

    /// Connects.
    ///
    /// Tries the hosts of the address one after the other.
    ///
    /// Blocks for as long as name servers take, and then for `connect_timeout` per host. So it is called only on threads that
    /// may wait (see ``Connector`` and ``Listener``), never on an event loop. All other methods respect their deadline.
    ///
    /// - Parameter address: a connection URI or string of libpq's.
    /// - Throws: ``PostgresError``.
    init(_ address: String) throws(PostgresError) {
        // The values before "dbname" are used only if the address does not set them.
        let settings = [
            ("application_name", "beanrow"), ("connect_timeout", "2"), ("target_session_attrs", "read-write"),
            // A host that disappears silently must be noticed while there is time left to continue with another one.
            ("keepalives_idle", "2"), ("keepalives_interval", "1"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "4000"), ("dbname", address), ("client_encoding", "UTF8"),
        ]
        guard let handle = Self.connect(settings) else { throw .disconnected("no memory") }
        self.handle = handle
        guard PQstatus(handle) == CONNECTION_OK else { throw .disconnected(Self.message(handle)) }
        PQsetnonblocking(handle, 1)
    }

    deinit {
        PQfinish(handle)
    }

    /// The server's version, as in 150018.
    var serverVersion: Int32 { PQserverVersion(handle) }

    /// The number of the server's process behind it.
    var backend: Int32 { PQbackendPID(handle) }

    /// The socket, to wait for notifications.
    var socket: Int32 { PQsocket(handle) }

    private static func connect(_ settings: [(String, String)]) -> OpaquePointer? {
        var keys: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.0)) }
        var values: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.1)) }
        defer { for pointer in keys + values { free(UnsafeMutablePointer(mutating: pointer)) } }
        keys.append(nil)
        values.append(nil)
        return PQconnectdbParams(keys, values, 1)
    }

    /// Runs SQL without parameters.
    ///
    /// Not in pipeline mode.
    ///
    /// - Parameters:
    ///   - text: any number of statements.
    ///   - deadline: when waiting ends; the connection is broken then.
    /// - Throws: ``PostgresError``.
    func execute(_ text: String, until deadline: ContinuousClock.Instant = .now + .seconds(60)) throws(PostgresError) {
        guard PQsendQuery(handle, text) == 1 else { throw lost() }
        for answer in try takeAnswers(until: deadline) { _ = answer }
    }

    /// Runs a query without parameters.
    ///
    /// Not in pipeline mode.
    ///
    /// - Parameters:
    ///   - text: one statement.
    ///   - deadline: when waiting ends; the connection is broken then.
    /// - Returns: the rows.
    /// - Throws: ``PostgresError``.
    func ask(
        _ text: String,
        until deadline: ContinuousClock.Instant = .now + .seconds(60)
    ) throws(PostgresError) -> ResultRows {
        guard PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 1) == 1 else { throw lost() }
        guard let answer = try takeAnswers(until: deadline).last else { throw lost() }
        return answer
    }

    /// Waits for the whole answer.
    ///
    /// Not in pipeline mode.
    private func takeAnswers(until deadline: ContinuousClock.Instant) throws(PostgresError) -> [ResultRows] {
        var answers: [ResultRows] = []
        var failed: PostgresError?
        while let result = try next(until: deadline) {
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                answers.append(ResultRows(result))
            default:
                if failed == nil { failed = failure(result) }
                PQclear(result)
            }
        }
        if PQstatus(handle) == CONNECTION_BAD { isBroken = true }
        if let failed { throw failed }
        if isBroken { throw lost() }
        return answers
    }

    /// Waits for the next result.
    func next(until deadline: ContinuousClock.Instant) throws(PostgresError) -> OpaquePointer? {
        while true {
            let unsent = PQflush(handle)
            guard unsent >= 0 else { throw lost() }
            if unsent == 0, PQisBusy(handle) == 0 { return PQgetResult(handle) }
            try wait(for: Int16(unsent > 0 ? POLLIN | POLLOUT : POLLIN), until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
    }

    private func wait(for events: Int16, until deadline: ContinuousClock.Instant) throws(PostgresError) {
        var descriptor = pollfd(fd: socket, events: events, revents: 0)
        while true {
            let left = (deadline - .now).components
            guard left.seconds >= 0, left.attoseconds >= 0 else {
                isBroken = true
                throw .disconnected("the server does not answer")
            }
            let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000 + 1
            let ready = poll(&descriptor, 1, Int32(clamping: milliseconds))
            if ready > 0 { return }
            if ready < 0, errno != EINTR { throw lost() }
        }
    }

    /// Takes the notifications that the server has sent.
    ///
    /// - Returns: their number.
    func takeNotifications() throws(PostgresError) -> Int {
        guard !isBroken, PQconsumeInput(handle) == 1 else { throw lost() }
        var count = 0
        while let notification = PQnotifies(handle) {
            PQfreemem(notification)
            count += 1
        }
        return count
    }

    func lost() -> PostgresError {
        isBroken = true
        return .disconnected(Self.message(handle))
    }

    func failure(_ result: OpaquePointer?) -> PostgresError {
        // PG_DIAG_SQLSTATE, which is a character in C.
        guard let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else {
            return .disconnected(Self.message(handle))
        }
        let message = PQresultErrorField(result, Int32(UInt8(ascii: "M")))
        return .refused(
            state: String(cString: state),
            message: message.map { String(cString: $0) } ?? "no reason given"
        )
    }

    /// Returns libpq's last error message for a connection, in one line.
    static func message(_ handle: OpaquePointer) -> String {
        String(cString: PQerrorMessage(handle)).split(separator: "\n").joined(separator: "; ")
    }
}
