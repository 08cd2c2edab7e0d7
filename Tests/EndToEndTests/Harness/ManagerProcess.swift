import Glibc
import Testing

/// A running manager, or another server under test.
final class ManagerProcess: Sendable {
    /// The process.
    let process: ChildProcess

    /// The port on which it listens.
    let port: Int

    /// Reserves the port for another server.
    private let reserved: ReservedPort?

    /// Starts a manager and waits until it accepts connections.
    ///
    /// - Parameters:
    ///   - database: the path of its database.
    ///   - name: its name.
    ///   - port: its port; 0 for any free port.
    ///   - options: more options.
    ///   - environment: added to its environment.
    /// - Throws: an error with its output if it does not start.
    init(
        database: String,
        name: String,
        port: Int = 0,
        options: [String] = [],
        environment: [String: String] = [:]
    ) throws {
        if let command = TestSettings.otherServer {
            reserved = try port == 0 ? ReservedPort() : nil
            let port = reserved?.number ?? port
            let words = command.map { $0 == "{port}" ? String(port) : $0 }
            process = try ChildProcess(words[0], Array(words.dropFirst()) + options)
            self.port = port
            let (started, process) = (port, process)
            try eventually("\(command[0]) accepts connections and does not count earlier ones any more") {
                guard !process.hasEnded else { throw HarnessError(process.errors.text) }
                guard let socket = try? BeanstalkSocket(port: started) else { return false }
                return try socket.statistics("stats")["current-connections"] == "1"
            }
            return
        }
        reserved = nil
        process = try ChildProcess(
            Executables.manager,
            ["--database", database, "--listen", "127.0.0.1:\(port)", "--name", name] + options,
            environment: environment
        )
        guard let line = process.output.line(startingWith: "listening on "),
            let chosen = line.split(separator: ":").last.flatMap({ Int($0) })
        else {
            process.kill()
            throw HarnessError("did not start: \(process.commandLine)\n\(process.errors.text)")
        }
        self.port = chosen
    }

    /// The address, for `--managers`.
    var address: String { "127.0.0.1:\(port)" }

    /// Opens a connection.
    func connect() throws -> BeanstalkSocket {
        try BeanstalkSocket(port: port)
    }

    /// Stops it with SIGTERM, and waits until it has ended.
    func stop(sourceLocation: SourceLocation = #_sourceLocation) throws {
        process.signal(SIGTERM)
        let end = try process.waitForEnd()
        #expect(end == .exited(0), "\(process.errors.text)", sourceLocation: sourceLocation)
    }

    /// Kills it with SIGKILL, and waits until it has ended.
    func kill() {
        process.kill()
    }
}
