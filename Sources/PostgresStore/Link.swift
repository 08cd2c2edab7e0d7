import CPostgres
import Glibc

/// One connection to the server, used in libpq's pipeline mode: several statements travel together.
///
/// Confined to one thread at a time, which it blocks, but never longer than a deadline says.
final class Link {
    /// A statement and what goes with it.
    struct Request {
        var statement: Statement
        var parameters: Parameters

        init(_ statement: Statement, _ parameters: Parameters = Parameters()) {
            self.statement = statement
            self.parameters = parameters
        }
    }

    private let connection: OpaquePointer

    /// Whether nothing can be sent any more.
    private(set) var isBroken = false

    /// Connects; tries the hosts of the address one after the other.
    ///
    /// Blocks for as long as name servers take, and then for `connect_timeout` per host. So it is called only on threads that
    /// may wait (see ``Connector`` and ``Listener``), never on an event loop. All other methods obey their deadline.
    ///
    /// - Parameter address: a connection URI or string of libpq's.
    /// - Throws: ``PostgresError``.
    init(_ address: String) throws(PostgresError) {
        // What stands before "dbname" is only for what the address leaves open.
        let settings = [
            ("application_name", "beanrow"), ("connect_timeout", "2"), ("target_session_attrs", "read-write"),
            // A host that has gone without a word is to be noticed while there is time left to go on with another one.
            ("keepalives_idle", "2"), ("keepalives_interval", "1"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "4000"), ("dbname", address), ("client_encoding", "UTF8"),
        ]
        guard let connection = Self.connect(settings) else { throw .disconnected("no memory") }
        self.connection = connection
        guard PQstatus(connection) == CONNECTION_OK else { throw .disconnected(Self.message(connection)) }
        PQsetnonblocking(connection, 1)
    }

    deinit {
        PQfinish(connection)
    }

    /// The server's version, as in 150018.
    var serverVersion: Int32 { PQserverVersion(connection) }

    /// The number of the server's process behind it.
    var backend: Int32 { PQbackendPID(connection) }

    /// The socket, to wait for what comes unasked.
    var socket: Int32 { PQsocket(connection) }

    private static func connect(_ settings: [(String, String)]) -> OpaquePointer? {
        var keys: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.0)) }
        var values: [UnsafePointer<CChar>?] = settings.map { UnsafePointer(strdup($0.1)) }
        defer { for pointer in keys + values { free(UnsafeMutablePointer(mutating: pointer)) } }
        keys.append(nil)
        values.append(nil)
        return PQconnectdbParams(keys, values, 1)
    }

    /// Runs SQL without parameters; not in pipeline mode.
    ///
    /// - Parameters:
    ///   - text: any number of statements.
    ///   - deadline: when waiting ends; the connection is broken then.
    /// - Throws: ``PostgresError``.
    func execute(_ text: String, until deadline: ContinuousClock.Instant = .now + .seconds(60)) throws(PostgresError) {
        guard PQsendQuery(connection, text) == 1 else { throw lost() }
        for answer in try takeAnswers(until: deadline) { _ = answer }
    }

    /// Asks a question without parameters; not in pipeline mode.
    ///
    /// - Parameters:
    ///   - text: one statement.
    ///   - deadline: when waiting ends; the connection is broken then.
    /// - Returns: the rows.
    /// - Throws: ``PostgresError``.
    func ask(
        _ text: String,
        until deadline: ContinuousClock.Instant = .now + .seconds(60)
    ) throws(PostgresError) -> Answer {
        guard PQsendQueryParams(connection, text, 0, nil, nil, nil, nil, 1) == 1 else { throw lost() }
        guard let answer = try takeAnswers(until: deadline).last else { throw lost() }
        return answer
    }

    /// Waits for all that comes in answer to what was sent; not in pipeline mode.
    private func takeAnswers(until deadline: ContinuousClock.Instant) throws(PostgresError) -> [Answer] {
        var answers: [Answer] = []
        var failed: PostgresError?
        while let result = try next(until: deadline) {
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
                answers.append(Answer(result))
            default:
                if failed == nil { failed = failure(result) }
                PQclear(result)
            }
        }
        if PQstatus(connection) == CONNECTION_BAD { isBroken = true }
        if let failed { throw failed }
        if isBroken { throw lost() }
        return answers
    }

    /// Prepares all statements, in one round trip; from now on ``run(_:until:)`` is the way to ask.
    ///
    /// - Parameter deadline: when waiting ends; the connection is broken then.
    /// - Throws: ``PostgresError``.
    func startPipeline(until deadline: ContinuousClock.Instant) throws(PostgresError) {
        PQenterPipelineMode(connection)
        for statement in Statement.allCases {
            guard PQsendPrepare(connection, statement.rawValue, statement.text, 0, nil) == 1 else { throw lost() }
        }
        guard PQpipelineSync(connection) == 1 else { throw lost() }
        var answers: [Answer] = []
        try takePipelined(until: deadline, &answers)
    }

    /// Sends statements in one go and waits for all answers.
    ///
    /// Statements outside a transaction block are one transaction of their own.
    ///
    /// - Parameters:
    ///   - requests: the statements, in order; those behind one that fails are not run.
    ///   - deadline: when waiting ends; the connection is broken then.
    /// - Returns: an answer for each.
    /// - Throws: ``PostgresError`` of the first that failed.
    @discardableResult
    func run(_ requests: [Request], until deadline: ContinuousClock.Instant) throws(PostgresError) -> [Answer] {
        var answers: [Answer] = []
        try run(requests, until: deadline, &answers)
        return answers
    }

    /// The same, with the answers that came before one failed.
    func run(
        _ requests: [Request],
        until deadline: ContinuousClock.Instant,
        _ answers: inout [Answer]
    ) throws(PostgresError) {
        guard !isBroken else { throw .disconnected("not connected") }
        for request in requests {
            guard send(request) else { throw lost() }
        }
        guard PQpipelineSync(connection) == 1 else { throw lost() }
        try takePipelined(until: deadline, &answers)
    }

    /// Waits for all that comes up to the end of what was sent in pipeline mode.
    private func takePipelined(
        until deadline: ContinuousClock.Instant,
        _ answers: inout [Answer]
    ) throws(PostgresError) {
        var failed: PostgresError?
        while true {
            guard let result = try next(until: deadline) else {
                // Between the results of two statements comes a null, and from a dead connection nothing else.
                if PQstatus(connection) == CONNECTION_BAD { throw failed ?? lost() }
                continue
            }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                PQclear(result)
                if let failed { throw failed }
                return
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                answers.append(Answer(result))
            case PGRES_PIPELINE_ABORTED:
                PQclear(result)
            default:
                if failed == nil { failed = failure(result) }
                PQclear(result)
                // Nothing comes after the server has hung up.
                if PQstatus(connection) == CONNECTION_BAD {
                    isBroken = true
                    throw .disconnected(failed?.message ?? Self.message(connection))
                }
            }
        }
    }

    private func send(_ request: Request) -> Bool {
        let parameters = request.parameters
        let lengths = parameters.places.map { Int32(truncatingIfNeeded: $0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: lengths.count)
        return parameters.storage.withUnsafeBytes { storage in
            let values = parameters.places.map { place in
                place.flatMap { storage.baseAddress?.advanced(by: $0.offset).assumingMemoryBound(to: CChar.self) }
            }
            return PQsendQueryPrepared(
                connection,
                request.statement.rawValue,
                Int32(values.count),
                values,
                lengths,
                formats,
                1
            ) == 1
        }
    }

    /// Waits for the next result.
    private func next(until deadline: ContinuousClock.Instant) throws(PostgresError) -> OpaquePointer? {
        while true {
            let unsent = PQflush(connection)
            guard unsent >= 0 else { throw lost() }
            if unsent == 0, PQisBusy(connection) == 0 { return PQgetResult(connection) }
            try wait(for: Int16(unsent > 0 ? POLLIN | POLLOUT : POLLIN), until: deadline)
            guard PQconsumeInput(connection) == 1 else { throw lost() }
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

    /// Takes what the server has sent unasked.
    ///
    /// - Returns: how many notifications there were.
    func takeNotifications() throws(PostgresError) -> Int {
        guard !isBroken, PQconsumeInput(connection) == 1 else { throw lost() }
        var count = 0
        while let notification = PQnotifies(connection) {
            PQfreemem(notification)
            count += 1
        }
        return count
    }

    private func lost() -> PostgresError {
        isBroken = true
        return .disconnected(Self.message(connection))
    }

    private func failure(_ result: OpaquePointer?) -> PostgresError {
        // PG_DIAG_SQLSTATE, which is a character in C.
        guard let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else {
            return .disconnected(Self.message(connection))
        }
        let message = PQresultErrorField(result, Int32(UInt8(ascii: "M")))
        return .refused(
            state: String(cString: state),
            message: message.map { String(cString: $0) } ?? "no reason given"
        )
    }

    /// libpq's last words on a connection, in one line.
    private static func message(_ connection: OpaquePointer) -> String {
        String(cString: PQerrorMessage(connection)).split(separator: "\n").joined(separator: "; ")
    }
}
