/// Decides what `beanrow up` does when managers start, end, and are to stop.
///
/// A value without I/O: it takes events and returns what to do. Managers are numbered from 0.
struct Supervisor: Sendable {
    /// How a manager's process has ended.
    enum Ending: Sendable, Equatable, CustomStringConvertible {
        case exited(Int32)
        case killed(Int32)
        case notStarted(String)

        var description: String {
            switch self {
            case .exited(let status): "exit status \(status)"
            case .killed(let signal): "signal \(signal)"
            case .notStarted(let reason): reason
            }
        }
    }

    /// Something that has happened.
    enum Event: Sendable, Equatable {
        /// A manager accepts connections at this address.
        case listening(Int, String)
        case ended(Int, Ending)

        /// The delay before the start of a manager is over.
        case due(Int)

        /// A person wants the managers to stop; the second time, at once.
        case stop
    }

    /// Something to do.
    enum Action: Sendable, Equatable {
        case start(Int)

        /// Reports ``Event/due(_:)`` after a delay.
        case wait(Int, Duration)

        /// Says that all managers accept connections, at these addresses.
        case announce([String])

        /// Sends SIGTERM.
        case terminate(Int)

        /// Sends SIGKILL.
        case kill(Int)

        /// Tells a person.
        case say(String)

        /// Everything has ended; the exit status.
        case finish(Int32)
    }

    private enum State: Equatable {
        case running(since: Duration, isListening: Bool)
        case waiting
        case ended
    }

    /// The delay before the first restart.
    ///
    /// It doubles with each further one.
    static let firstDelay = Duration.milliseconds(500)

    /// The longest delay.
    static let longestDelay = Duration.seconds(30)

    /// A manager that has served this long counts as healthy, and its next delay is the first one.
    static let healthyAfter = Duration.seconds(60)

    private var states: [State]
    private var delays: [Duration]
    private var addresses: [String?]
    private var isAnnounced = false
    private var isStopping = false
    private var status: Int32 = 0

    /// Creates a supervisor whose managers are not started yet.
    ///
    /// - Parameter count: the number of managers, at least one.
    init(managers count: Int) {
        states = Array(repeating: .ended, count: count)
        delays = Array(repeating: Self.firstDelay, count: count)
        addresses = Array(repeating: nil, count: count)
    }

    /// Returns a manager's name: `m1` for number 0.
    static func name(_ manager: Int) -> String { "m\(manager + 1)" }

    /// Starts all managers.
    mutating func begin(at now: Duration) -> [Action] {
        for manager in states.indices { states[manager] = .running(since: now, isListening: false) }
        return states.indices.map { .start($0) }
    }

    /// Takes an event.
    ///
    /// - Parameters:
    ///   - event: what has happened.
    ///   - now: the time since any fixed moment.
    /// - Returns: what to do, in this order.
    mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        switch event {
        case .listening(let manager, let address): listening(manager, address, now)
        case .ended(let manager, let ending): ended(manager, ending, now)
        case .due(let manager): due(manager, now)
        case .stop: stop()
        }
    }

    private mutating func listening(_ manager: Int, _ address: String, _ now: Duration) -> [Action] {
        guard case .running = states[manager] else { return [] }
        states[manager] = .running(since: now, isListening: true)
        let isFirst = addresses[manager] == nil
        addresses[manager] = address
        guard !isStopping else { return [] }
        guard isFirst else { return [.say("\(Self.name(manager)) accepts connections again")] }
        let known = addresses.compactMap(\.self)
        guard !isAnnounced, known.count == addresses.count else { return [] }
        isAnnounced = true
        return [.announce(known)]
    }

    private mutating func ended(_ manager: Int, _ ending: Ending, _ now: Duration) -> [Action] {
        let before = states[manager]
        states[manager] = .ended
        if isStopping { return next() }
        let name = Self.name(manager)
        if let final = Self.finalStatus(ending, hasServed: addresses[manager] != nil) {
            status = final
            return [.say("\(name) cannot run (\(ending)); its own messages say why. The others are stopped")] + stop()
        }
        if case .running(let since, true) = before, now - since >= Self.healthyAfter {
            delays[manager] = Self.firstDelay
        }
        let delay = delays[manager]
        delays[manager] = min(delay * 2, Self.longestDelay)
        states[manager] = .waiting
        let seconds = delay / .seconds(1)
        return [.say("\(name) ended (\(ending)); it starts again in \(seconds) s"), .wait(manager, delay)]
    }

    /// Returns the exit status if another start would not help: the manager has never served, or its command line is
    /// wrong (64), or acknowledged tasks are gone (78).
    private static func finalStatus(_ ending: Ending, hasServed: Bool) -> Int32? {
        switch ending {
        case .exited(let status) where status == 64 || status == 78: status
        case .notStarted: 1
        case .exited where !hasServed: 1
        case .killed where !hasServed: 1
        case .exited, .killed: nil
        }
    }

    private mutating func due(_ manager: Int, _ now: Duration) -> [Action] {
        guard !isStopping, states[manager] == .waiting else { return [] }
        states[manager] = .running(since: now, isListening: false)
        return [.start(manager)]
    }

    private mutating func stop() -> [Action] {
        guard !isStopping else { return running.map { .kill($0) } }
        isStopping = true
        for manager in states.indices where states[manager] == .waiting { states[manager] = .ended }
        return next()
    }

    /// Ends the last manager that runs; the others follow when it has ended.
    private func next() -> [Action] {
        guard let last = running.last else { return [.finish(status)] }
        return [.terminate(last)]
    }

    private var running: [Int] {
        states.indices.filter { manager in
            if case .running = states[manager] { true } else { false }
        }
    }
}
