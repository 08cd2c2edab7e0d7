internal import ClientCommandSupport
internal import CommandLineSupport
internal import Foundation
internal import Subprocess
internal import TaskStore
internal import UnixSignals

/// Carries out what a ``Supervisor`` decides.
actor UpRun {
    private static let colours = [36, 33, 35, 32, 34, 31]

    private let program: String
    private let database: String
    private let options: [String]
    private var addresses: [ManagerAddress]
    private var supervisor: Supervisor
    private var senders: [Int: @Sendable (Signal) -> Void] = [:]
    private var unsent: [Int: Signal] = [:]
    private let start = ContinuousClock.now
    private let events: AsyncStream<Supervisor.Event>
    private let report: AsyncStream<Supervisor.Event>.Continuation

    /// - Parameters:
    ///   - program: the path of beanrow-manager.
    ///   - database: the value of --database.
    ///   - addresses: where the managers listen; at least one.
    ///   - options: more arguments of each manager.
    init(program: String, database: String, addresses: [ManagerAddress], options: [String]) {
        self.program = program
        self.database = database
        self.addresses = addresses
        self.options = options
        supervisor = Supervisor(managers: addresses.count)
        (events, report) = AsyncStream.makeStream(of: Supervisor.Event.self)
    }

    /// Runs the managers until all have ended.
    ///
    /// - Returns: the exit status.
    func run() async -> Int32 {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return await withTaskGroup(of: Void.self) { group in
            let report = report
            group.addTask {
                for await _ in signals { report.yield(.stop) }
            }
            defer { group.cancelAll() }
            var actions = supervisor.begin(at: .zero)
            if let status = await carryOut(&actions, in: &group) { return status }
            for await event in events {
                var actions = supervisor.handle(event, at: ContinuousClock.now - start)
                if let status = await carryOut(&actions, in: &group) { return status }
            }
            return 1
        }
    }

    private func carryOut(_ actions: inout [Supervisor.Action], in group: inout TaskGroup<Void>) async -> Int32? {
        for action in actions {
            switch action {
            case .start(let manager):
                let child = child(manager)
                group.addTask { await self.run(child, manager) }
            case .wait(let manager, let delay):
                group.addTask { [report] in
                    if (try? await Task.sleep(for: delay)) != nil { report.yield(.due(manager)) }
                }
            case .announce(let known): await announce(known)
            case .terminate(let manager): send(.terminate, to: manager)
            case .kill(let manager): send(.kill, to: manager)
            case .say(let line): await Printer.say(line)
            case .finish(let status): return status
            }
        }
        return nil
    }

    private func child(_ manager: Int) -> ManagerChild {
        let name = Supervisor.name(manager)
        let arguments = ["--database", database, "--listen", addresses[manager].description, "--name", name] + options
        let width = Supervisor.name(addresses.count - 1).count
        let padded = name.padding(toLength: width, withPad: " ", startingAt: 0)
        let colour = Self.colours[manager % Self.colours.count]
        let prefix = Terminal.hasColours(STDERR_FILENO) ? "\u{1B}[\(colour)m\(padded)\u{1B}[0m | " : "\(padded) | "
        return ManagerChild(program: program, arguments: arguments, prefix: prefix)
    }

    private nonisolated func run(_ child: ManagerChild, _ manager: Int) async {
        let ending = await child.run(
            onStart: { send in await self.hasStarted(manager, send) },
            onListening: { address in await self.isListening(manager, address) }
        )
        await hasEnded(manager, ending)
    }

    private func hasStarted(_ manager: Int, _ send: @escaping @Sendable (Signal) -> Void) {
        senders[manager] = send
        if let signal = unsent.removeValue(forKey: manager) { send(signal) }
    }

    private func hasEnded(_ manager: Int, _ ending: Supervisor.Ending) {
        senders[manager] = nil
        unsent[manager] = nil
        report.yield(.ended(manager, ending))
    }

    private func isListening(_ manager: Int, _ address: String) {
        // A manager that starts again gets the port that its clients know.
        if let known = ManagerAddress(address) { addresses[manager] = known }
        report.yield(.listening(manager, address))
    }

    private func send(_ signal: Signal, to manager: Int) {
        guard let send = senders[manager] else {
            unsent[manager] = signal
            return
        }
        send(signal)
    }

    private func announce(_ known: [String]) async {
        let list = known.joined(separator: ",")
        try? await Printer.write("listening on \(list)\n")
        await Printer.say(
            "\(Formatting.count(known.count, "manager")) on \(shownDatabase); each has all tasks. In another terminal:"
        )
        let isStandard = known.first == "\(ManagerAddress(host: "127.0.0.1"))"
        for line in isStandard ? Self.hints : ["export \(ManagerList.variable)=\(list)"] + Self.hints {
            await Printer.say("    \(line)")
        }
        await Printer.say("Ctrl-C ends the managers")
    }

    /// What to type next.
    private static let hints = [
        "seq 1 10 | beanrow-producer               # put ten tasks",
        "beanrow tube list                         # look",
        "beanrow-consumer --until-empty -- cat     # run a command for each",
    ]

    /// A server's URI may have a password.
    private var shownDatabase: String {
        if case .server = StoreChoice(database) { "a PostgreSQL server" } else { database }
    }
}
