import Foundation
import SeededRandom
import Synchronization

/// Producers and consumers on sockets, each on its own thread.
///
/// They continue when managers stop and start.
final class Load: Sendable {
    /// The addresses of the managers, which stay the same after a restart.
    let bed: TestBed

    /// The requests and answers of the clients.
    let history: History

    /// The tubes that the tasks are spread over.
    let tubes: [String]

    /// The number of puts that a producer sends before it reads the answers.
    let window: Int

    private struct State {
        var stopped = false
        var errors: [String] = []
    }

    private let state = Mutex(State())

    /// Creates a load that does not run yet.
    init(bed: TestBed, history: History, tubes: [String] = ["red", "green", "blue", "grey"], window: Int = 32) {
        self.bed = bed
        self.history = history
        self.tubes = tubes
        self.window = window
    }

    /// Failures of the clients themselves.
    var errors: [String] { state.withLock { $0.errors } }

    /// Whether the consumers have to stop.
    var isStopped: Bool { state.withLock { $0.stopped } }

    /// Tells the consumers to stop when they find no more tasks.
    func stop() {
        state.withLock { $0.stopped = true }
    }

    /// Puts tasks until a number of them was acknowledged.
    func produce(producer: Int, count: Int, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var (acknowledged, number) = (0, 0)
        while acknowledged < count, !isStopped {
            guard let socket = connect(&random) else { continue }
            do {
                while acknowledged < count, !isStopped {
                    let tube = tubes[Int.random(in: 0..<tubes.count, using: &random)]
                    let bodies = (0..<min(window, count - acknowledged)).map { "p\(producer)-\(number + $0)" }
                    number += bodies.count
                    acknowledged += try put(bodies, into: tube, socket, &random)
                }
            } catch {
                note(error)
            }
        }
    }

    /// Sends puts ahead and reads their answers.
    ///
    /// Puts without an answer are recorded as unknown.
    private func put(
        _ bodies: [String],
        into tube: String,
        _ socket: BeanstalkSocket,
        _ random: inout SeededGenerator
    ) throws -> Int {
        var answered = 0
        defer { for _ in answered..<bodies.count { history.putUnknown() } }
        let puts = bodies.map { body in
            "put \(UInt32.random(in: 0...2_000, using: &random)) 0 600 \(body.utf8.count)\r\n\(body)\r\n"
        }
        try socket.send("use \(tube)\r\n" + puts.joined())
        try socket.must("USING \(tube)")
        for body in bodies {
            let words = try socket.line().split(separator: " ")
            guard words.first == "INSERTED", let id = words.last.flatMap({ Int($0) }) else {
                throw HarnessError("put: \(words.joined(separator: " "))")
            }
            history.put(body, id: id)
            answered += 1
        }
        return answered
    }

    /// Claims tasks and deletes them, until it has to stop and finds no more.
    ///
    /// - Parameters:
    ///   - consumer: its number.
    ///   - leaves: the average number of tasks after which it closes the connection instead of deleting. 0 means never.
    ///   - seed: decides its random choices.
    func consume(consumer: Int, leaves: Int = 0, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        while true {
            guard let socket = connect(&random) else {
                if isStopped { return }
                continue
            }
            do {
                for (number, tube) in tubes.enumerated() {
                    try socket.send("watch \(tube)\r\n")
                    try socket.must("WATCHING \(number + 2)")
                }
                let manager = try Int32(socket.look("stats")[number: "pid"] ?? 0)
                try socket.send(Self.reserve)
                while let task = try next(socket) {
                    let leaving = leaves > 0 && Int.random(in: 0..<leaves, using: &random) == 0
                    guard try finish(task, consumer, manager, socket, leaving: leaving) else { break }
                }
                if isStopped { return }
            } catch {
                note(error)
            }
        }
    }

    private static let reserve = "reserve-with-timeout 1\r\n"

    /// Receives the answer to a reserve.
    ///
    /// Sends it again if there was no task, unless the load has to stop.
    private func next(_ socket: BeanstalkSocket) throws -> ReceivedTask? {
        while true {
            let answer = try socket.taskOrLine("RESERVED")
            if let task = answer.task { return task }
            guard answer.line == "TIMED_OUT" else { throw HarnessError("reserve: \(answer.line)") }
            if isStopped { return nil }
            try socket.send(Self.reserve)
        }
    }

    /// Ends a claim and reserves the next task.
    ///
    /// Returns `false` if the client closed the connection instead.
    private func finish(
        _ task: ReceivedTask,
        _ consumer: Int,
        _ manager: Int32,
        _ socket: BeanstalkSocket,
        leaving: Bool
    ) throws -> Bool {
        let start = History.Time.now
        var pickup = History.Pickup(
            task: task.id,
            body: task.body,
            consumer: consumer,
            manager: manager,
            start: start,
            end: start,
            result: .broken
        )
        defer { history.add(pickup) }
        if leaving {
            pickup.reserves = try socket.look("stats-job \(task.id)")[number: "reserves"]
            pickup.end = .now
            socket.close()
            return false
        }
        pickup.end = .now
        pickup.result = .unknown
        try socket.send("stats-job \(task.id)\r\ndelete \(task.id)\r\n" + Self.reserve)
        pickup.reserves = try socket.statisticsAnswer()[number: "reserves"]
        switch try socket.line() {
        case "DELETED": pickup.result = .deleted
        case "NOT_FOUND": pickup.result = .notFound
        case let answer: throw HarnessError("delete: \(answer)")
        }
        return true
    }

    private func connect(_ random: inout SeededGenerator) -> BeanstalkSocket? {
        let managers = bed.managers
        let manager = managers[Int.random(in: 0..<managers.count, using: &random)]
        if let socket = try? manager.connect() { return socket }
        usleep(5_000)
        return nil
    }

    /// Records an error, unless the connection broke: that is what the test is about.
    private func note(_ error: any Error) {
        if let error = error as? SocketError, error.isBreak { return }
        state.withLock { $0.errors.append(String(describing: error)) }
    }
}

extension BeanstalkSocket {
    /// Receives a line that must be this one, on a thread that belongs to no test.
    fileprivate func must(_ expected: String) throws {
        let line = try line()
        guard line == expected else { throw HarnessError("\(line) instead of \(expected)") }
    }

    /// Sends one of the `stats` commands, on a thread that belongs to no test.
    fileprivate func look(_ command: String) throws -> Statistics {
        try send(command + "\r\n")
        return try statisticsAnswer()
    }

    /// Receives the answer to one of the `stats` commands, on a thread that belongs to no test.
    fileprivate func statisticsAnswer() throws -> Statistics {
        let line = try line()
        let words = line.split(separator: " ")
        guard words.count == 2, words[0] == "OK", let size = Int(words[1]) else {
            throw HarnessError("stats: \(line)")
        }
        return try Statistics(String(decoding: receive(size + 2).dropLast(2), as: UTF8.self))
    }
}
