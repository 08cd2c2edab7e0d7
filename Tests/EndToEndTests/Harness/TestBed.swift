import Foundation
import Glibc
import Synchronization
import Testing

/// A directory with one database, its managers, and the other programs that a test starts.
///
/// All of them are removed when the test ends.
final class TestBed: Sendable {
    /// The directory, on the disk of the build, since durability cannot be tested in memory.
    let directory: URL

    private struct State {
        var managers: [ManagerProcess] = []
        var children: [ChildProcess] = []
        var ports: [ReservedPort] = []
        var links: [String] = []
    }

    private let state = Mutex(State())

    private let server: ServerDatabase?

    private init() throws {
        directory = Executables.directory.appendingPathComponent("test-data/\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        server = try TestSettings.server.map { try ServerDatabase(on: $0) }
        database = server?.address ?? directory.appendingPathComponent("tasks.db").path
    }

    /// The database, for `--database`: the path of a file, or the address of a server with a database for this test.
    let database: String

    /// The path of a file in the directory.
    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    /// The managers in the order of their first start.
    ///
    /// A restarted manager keeps its position.
    var managers: [ManagerProcess] { state.withLock { $0.managers } }

    /// The addresses of all managers, for `--managers`.
    var addresses: String { managers.map(\.address).joined(separator: ",") }

    /// Starts a manager over the database.
    @discardableResult
    func startManager(
        port: Int = 0,
        options: [String] = [],
        environment: [String: String] = [:]
    ) throws -> ManagerProcess {
        let name = "m\(managers.count + 1)"
        let manager = try ManagerProcess(
            database: database,
            name: name,
            port: port,
            options: more + options,
            environment: environment
        )
        state.withLock { $0.managers.append(manager) }
        return manager
    }

    /// Restarts a manager that has ended, on the same port.
    @discardableResult
    func restartManager(_ index: Int, environment: [String: String] = [:]) throws -> ManagerProcess {
        let old = managers[index]
        let manager = try ManagerProcess(
            database: database,
            name: "m\(index + 1)",
            port: old.port,
            options: more,
            environment: environment
        )
        state.withLock { $0.managers[index] = manager }
        return manager
    }

    /// More options of managers over a server: two connections, since several must work, and a short time before a
    /// manager counts as dead.
    private var more: [String] { server == nil ? [] : ["--lanes", "2", "--lease", "2"] }

    /// Reserves a port on which no process listens before a manager of this test does.
    func reservePort() throws -> Int {
        let port = try ReservedPort()
        state.withLock { $0.ports.append(port) }
        return port.number
    }

    /// Removes a file outside of the directory at the end of the test.
    func removeAtEnd(_ path: String) {
        state.withLock { $0.links.append(path) }
    }

    /// Starts another program, which is killed at the end of the test if it still runs.
    func start(
        _ executable: String,
        _ arguments: [String],
        input: ChildProcess.Input = .none,
        environment: [String: String] = [:]
    ) throws -> ChildProcess {
        let child = try ChildProcess(executable, arguments, input: input, environment: environment)
        state.withLock { $0.children.append(child) }
        return child
    }

    /// Runs another program to its end.
    func run(
        _ executable: String,
        _ arguments: [String],
        input: String? = nil,
        timeout: Duration = TestSettings.patience
    ) throws -> (end: ChildProcess.End, output: String, errors: String) {
        var source = ChildProcess.Input.none
        if let input {
            let file = path("input-\(UUID().uuidString)")
            try input.write(toFile: file, atomically: false, encoding: .utf8)
            source = .file(file)
        }
        let child = try start(executable, arguments, input: source)
        let end = try child.waitForEnd(timeout: timeout)
        return (end, child.output.text, child.errors.text)
    }

    /// Opens a connection to a manager.
    ///
    /// Another server under test counts as all managers.
    func connect(_ index: Int = 0) throws -> BeanstalkSocket {
        try managers[TestSettings.isBeanrow ? index : 0].connect()
    }

    /// Runs statements with the shell of the database, and returns its output.
    @discardableResult
    func sql(_ statements: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        if let server { return try server.sql(statements) }
        let result = try run(
            "sqlite3",
            ["-bail", "-cmd", ".timeout 60000", "-cmd", "PRAGMA wal_autocheckpoint=0;", database, statements]
        )
        try #require(result.end == .exited(0), "\(statements)\n\(result.errors)", sourceLocation: sourceLocation)
        // The first line is the answer to the pragma.
        return result.output.split(separator: "\n").dropFirst().joined(separator: "\n")
    }

    /// Runs a test with its directory and its managers, and removes them afterwards.
    ///
    /// - Parameters:
    ///   - count: the number of managers to start.
    ///   - options: more options for them.
    ///   - fixedPorts: whether they get ports on which they can be restarted.
    ///   - body: the test.
    /// - Returns: the value of the body.
    /// - Throws: the error of the body, or an error if a manager did not start.
    static func with<Result>(
        managers count: Int = 1,
        options: [String] = [],
        fixedPorts: Bool = false,
        _ body: (TestBed) throws -> Result
    ) throws -> Result {
        let bed = try TestBed()
        defer { bed.clear() }
        do {
            try bed.startManagers(count, options: options, fixedPorts: fixedPorts)
            return try body(bed)
        } catch {
            bed.printErrors()
            throw error
        }
    }

    /// The same for a test that waits for clients in this process.
    static func with<Result>(
        managers count: Int = 1,
        options: [String] = [],
        fixedPorts: Bool = false,
        _ body: (TestBed) async throws -> Result
    ) async throws -> Result {
        let bed = try TestBed()
        defer { bed.clear() }
        do {
            try bed.startManagers(count, options: options, fixedPorts: fixedPorts)
            return try await body(bed)
        } catch {
            bed.printErrors()
            throw error
        }
    }

    private func startManagers(_ count: Int, options: [String], fixedPorts: Bool) throws {
        for _ in 0..<(TestSettings.isBeanrow ? count : min(count, 1)) {
            try startManager(port: fixedPorts ? reservePort() : 0, options: options)
        }
    }

    private func printErrors() {
        for manager in managers where !manager.process.errors.text.isEmpty {
            print("\(manager.process.commandLine) said:\n\(manager.process.errors.text)")
        }
    }

    private func clear() {
        let (managers, children) = state.withLock { ($0.managers, $0.children) }
        for child in children + managers.map(\.process) {
            child.kill()
        }
        for link in state.withLock({ $0.links }) { unlink(link) }
        server?.remove()
        if !TestSettings.keepsFiles {
            try? FileManager.default.removeItem(at: directory)
        }
    }
}

extension TestBed {
    /// Checks the database: SQLite finds no damage if it is the store, and the counts of each tube are right.
    func expectCountsToBeRight(sourceLocation: SourceLocation = #_sourceLocation) throws {
        if let server {
            return #expect(try server.differentCounts() == "", "counts that differ", sourceLocation: sourceLocation)
        }
        #expect(try sql("PRAGMA integrity_check;") == "ok", sourceLocation: sourceLocation)
        let different = try sql(
            """
            SELECT tube.name, tube.pending, tube.urgent, tube.delayed, tube.claimed, tube.buried,
                count(*) FILTER (WHERE state = 'pending') AS pending_found,
                count(*) FILTER (WHERE state = 'pending' AND priority < 1024) AS urgent_found,
                count(*) FILTER (WHERE state = 'delayed') AS delayed_found,
                count(*) FILTER (WHERE state = 'claimed') AS claimed_found,
                count(*) FILTER (WHERE state = 'buried') AS buried_found
            FROM tube LEFT JOIN task_state ON task_state.tube_id = tube.id
            GROUP BY tube.id
            HAVING tube.pending <> pending_found OR tube.urgent <> urgent_found OR tube.delayed <> delayed_found
                OR tube.claimed <> claimed_found OR tube.buried <> buried_found;
            """,
            sourceLocation: sourceLocation
        )
        #expect(different == "", "counts that differ from count(*)", sourceLocation: sourceLocation)
    }
}
