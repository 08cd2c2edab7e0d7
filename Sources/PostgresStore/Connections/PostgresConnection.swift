import CPostgres
import Glibc
import TaskStore

/// One connection to the server, used in libpq's pipeline mode: several statements are sent together.
///
/// Only one thread at a time may use it. It blocks that thread, but never beyond a deadline.
package final class PostgresConnection {
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

    /// Where the connection says that it waits for the server; nil on threads that may wait unseen.
    var wait: StoreWait?

    /// Whether nothing can be sent any more.
    var isBroken = false

    /// Shortens the waits once the process has to end; nil if nothing does.
    var stop: StopSignal?

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
    package init(_ address: String) throws(PostgresError) {
        // The values before "dbname" are used only if the address does not set them.
        let settings = [
            ("application_name", "beanrow"), ("connect_timeout", "2"), ("target_session_attrs", "read-write"),
            // A host that disappears silently must be noticed while there is time left to continue with another one.
            ("keepalives_idle", "2"), ("keepalives_interval", "1"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "4000"), ("dbname", address), ("client_encoding", "UTF8"),
        ]
        guard let handle = Self.connect(settings) else { throw .disconnected("no memory") }
        self.handle = handle
        guard PQstatus(handle) == CONNECTION_OK else { throw .disconnected(Self.messageWithoutPassword(handle)) }
        PQsetnonblocking(handle, 1)
    }

    deinit {
        PQfinish(handle)
    }

    /// The version of libpq, as in 15.18.
    package static var libraryVersion: String { "\(PQlibVersion() / 10_000).\(PQlibVersion() % 10_000)" }

    /// The server's version, as in 150018.
    package var serverVersion: Int32 { PQserverVersion(handle) }

    /// The number of the server's process behind it.
    var backend: Int32 { PQbackendPID(handle) }

    /// The socket, to wait for notifications.
    var socket: Int32 { PQsocket(handle) }

    /// Returns statements by which the server watches this host, as this host watches the server.
    ///
    /// If this host disappears silently, the server ends the session after the same few seconds. By its own settings it
    /// would wait two hours, and an unfinished transaction of the session would hold its locks as long. The kernel counts
    /// this time, so setting the server's clock does not change it. The server's other timeouts follow its clock.
    var keepaliveSettings: String {
        let options = PQconninfo(handle)
        defer { PQconninfoFree(options) }
        guard var option = options else { return "" }
        var values: [String: Int32] = [:]
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = Int32(String(cString: value)) }
            option += 1
        }
        let isOff = values["keepalives"] == 0
        return ["keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"]
            .compactMap { name in
                let setting = name.hasPrefix("tcp") ? name : "tcp_\(name)"
                guard let value = values[name], value >= 0, !isOff || name == setting else { return nil }
                return "SET \(setting) TO \(value);"
            }
            .joined(separator: " ")
    }

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
    package func execute(
        _ text: String,
        until deadline: ContinuousClock.Instant = .now + .seconds(60)
    ) throws(PostgresError) {
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
    package func ask(
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
        let start = ContinuousClock.now
        var (now, end) = (start, deadline)
        while true {
            let left = end - now
            guard left >= .zero else {
                isBroken = true
                throw .disconnected("the server does not answer")
            }
            let time = stop == nil ? left : min(left, StopSignal.interval)
            let timeout = Int32(clamping: time.milliseconds + 1)
            let ready =
                if let wait {
                    wait.during(.server) { poll(&descriptor, 1, timeout) }
                } else {
                    poll(&descriptor, 1, timeout)
                }
            if ready > 0 { return }
            if ready < 0, errno != EINTR { throw lost() }
            now = .now
            if let stop { end = stop.end(ofAnswerFrom: start, until: deadline) }
        }
    }

    /// Returns when trying something again ends.
    func end(ofTryingUntil deadline: ContinuousClock.Instant) -> ContinuousClock.Instant {
        stop?.end(ofTryingUntil: deadline) ?? deadline
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

    /// Returns why no connection was made, in one line that holds no password.
    ///
    /// libpq repeats values of the address that it does not accept.
    private static func messageWithoutPassword(_ handle: OpaquePointer) -> String {
        let password = PQpass(handle).map { String(cString: $0) } ?? ""
        return password.isEmpty ? message(handle) : message(handle).replacing(password, with: "…")
    }

    /// Returns libpq's last error message for a connection, in one line.
    static func message(_ handle: OpaquePointer) -> String {
        String(cString: PQerrorMessage(handle)).split(separator: "\n").joined(separator: "; ")
    }
}
