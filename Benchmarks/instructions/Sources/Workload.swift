import Manager
import NIOCore
import NIOEmbedded
import SQLiteStore
import TaskStore

/// What is counted: a manager in this process, 64 connections to it, and 10 240 tasks that pass through it.
///
/// Only ``counted(_:)`` counts: it hands bytes to the connections and runs the event loop, which decodes, makes a batch, runs
/// it in the store, and encodes the answers. Making the bytes and checking the answers are outside of it.
/// tools/instruction-count finds the function by its name and knows the order of its calls.
final class Workload {
    private static let tasks = 10_240
    private static let connections = 64

    /// Commands that one connection sends at once in the pipelined phases.
    private static let depth = 32

    /// Tasks that one connection holds while it works through a backlog.
    private static let inHand = 16

    private let loop = EmbeddedEventLoop()
    private let store: SQLiteStore
    private let channels: [EmbeddedChannel]

    /// Opens a new database.
    ///
    /// - Parameter database: a file that does not exist.
    /// - Throws: `StoreError`, or what a channel throws.
    init(database: String) throws {
        let now = Timestamp(rawValue: 0)
        let loop = self.loop
        store = try SQLiteStore.open(path: database, name: "instructions", address: "none", at: now)
        // Valgrind is slow: with the default tolerance, the manager would renew claims.
        let configuration = ManagerConfiguration(version: "0", claimTolerance: .seconds(3600))
        let manager = ManagerCore(store: store, configuration: configuration, eventLoop: loop)
        channels = try (0..<Self.connections)
            .map { _ in
                let channel = EmbeddedChannel(loop: loop)
                try manager.serve(channel)
                channel.pipeline.fireChannelActive()
                return channel
            }
        loop.run()
    }

    /// Runs everything once: a little to warm up, then the phases.
    ///
    /// - Throws: ``WrongAnswer`` if the manager does not answer as it should.
    func run() throws {
        let put = ByteBuffer(string: "put 1024 0 120 100\r\n\(String(repeating: "x", count: 100))\r\n")
        let reserve = ByteBuffer(string: "reserve\r\n")

        // First uses cost more: statements are prepared, caches and buffers grow.
        let few = Self.connections * 4
        try check(counted(Array(repeating: put, count: few)), "INSERTED", few)
        let first = try check(counted(Array(repeating: reserve, count: few)), "RESERVED", few)
        try check(counted(first.map(Self.delete)), "DELETED", few)

        var answers = counted(Array(repeating: put, count: Self.tasks))
        try check(answers, "INSERTED")
        answers = counted(Array(repeating: reserve, count: Self.tasks))
        var reserved = try check(answers, "RESERVED")
        answers = counted(reserved.map(Self.delete))
        try check(answers, "DELETED")

        let times = Self.tasks / Self.depth
        answers = counted(Array(repeating: Self.repeated(put), count: times))
        try check(answers, "INSERTED")
        answers = counted(Array(repeating: Self.repeated(reserve), count: times))
        reserved = try check(answers, "RESERVED")
        let deletes = (0..<times)
            .map { Self.joined(reserved[($0 * Self.depth)..<(($0 + 1) * Self.depth)].map(Self.delete)) }
        answers = counted(deletes)
        try check(answers, "DELETED")

        // Each connection always holds the same number of tasks: for each that it deletes, it reserves another.
        let held = Self.connections * Self.inHand
        try check(counted(Array(repeating: put, count: Self.tasks + held)), "INSERTED", Self.tasks + held)
        answers = counted(Array(repeating: Self.repeated(reserve, Self.inHand), count: Self.connections))
        try check(answers, "RESERVED", held)
        for _ in 0..<(Self.tasks / held) {
            let commands = answers.map { answer in
                Self.joined(Self.lines(answer).map { Self.joined([Self.delete($0), reserve]) })
            }
            let lines = counted(commands).map(Self.lines)
            let deleted = lines.joined().count { $0 == "DELETED" }
            guard deleted == held else {
                throw WrongAnswer(description: "\(deleted) instead of \(held) answers DELETED")
            }
            answers = lines.map { ByteBuffer(string: $0.filter { $0 != "DELETED" }.joined(separator: "\r\n")) }
            try check(answers, "RESERVED", held)
        }
        try store.leave()
    }

    /// Hands one piece of input to each connection in turn, and runs the event loop when each has got one.
    @inline(never)
    func counted(_ commands: [ByteBuffer]) -> [ByteBuffer] {
        var answers: [ByteBuffer] = []
        answers.reserveCapacity(commands.count)
        var start = 0
        while start < commands.count {
            let end = min(start + channels.count, commands.count)
            for index in start..<end { channels[index - start].pipeline.fireChannelRead(commands[index]) }
            loop.run()
            // What does not fit into one batch is in the next.
            loop.advanceTime(by: .milliseconds(1))
            for index in start..<end {
                while let answer = try? channels[index - start].readOutbound(as: ByteBuffer.self) {
                    answers.append(answer)
                }
            }
            start = end
        }
        return answers
    }

    /// Checks that all answers begin with the word, and checks their number.
    ///
    /// - Returns: the answers, each without its body.
    @discardableResult
    private func check(_ answers: [ByteBuffer], _ word: String, _ count: Int = tasks) throws -> [String] {
        let lines = answers.flatMap(Self.lines)
        if let other = lines.first(where: { !$0.hasPrefix(word) }) {
            throw WrongAnswer(description: "\(other) instead of \(word)")
        }
        guard lines.count == count else {
            throw WrongAnswer(description: "\(lines.count) instead of \(count) answers \(word)")
        }
        return lines
    }

    /// Returns the lines of an answer, without the bodies.
    private static func lines(_ answer: ByteBuffer) -> [String] {
        String(buffer: answer).split(separator: "\r\n").filter { !$0.hasPrefix("xxx") }.map(String.init)
    }

    private static func repeated(_ command: ByteBuffer, _ times: Int = depth) -> ByteBuffer {
        joined(Array(repeating: command, count: times))
    }

    private static func joined(_ commands: [ByteBuffer]) -> ByteBuffer {
        var all = ByteBuffer()
        for command in commands { all.writeImmutableBuffer(command) }
        return all
    }

    private static func delete(_ reserved: String) -> ByteBuffer {
        let parts = reserved.split(separator: " ")
        return ByteBuffer(string: "delete \(parts.count > 1 ? parts[1] : "?")\r\n")
    }
}

/// The manager answered something else than it should have.
struct WrongAnswer: Error, CustomStringConvertible {
    let description: String
}
