import Foundation
import Glibc
import Testing

/// Clients cannot fill a manager's memory, and cannot slow down each other.
@Suite(.alone, .serialized, .enabled(if: TestSettings.isBeanrow && !TestSettings.isSanitized)) struct MemoryTests {
    private static let mebibyte = 1 << 20

    @Test func `ten thousand idle connections cost less than 200 MiB`() throws {
        let count = 10_000
        let possible = ProcessFigures.raiseDescriptorLimit(to: count + 500)
        try #require(possible >= count + 500, "this process may have only \(possible) descriptors")
        try TestBed.with { bed in
            let process = bed.managers[0].process.id
            let before = try ProcessFigures.memory(of: process)
            var clients: [BeanstalkSocket] = []
            for _ in 1...count { clients.append(try bed.connect()) }
            let last = try #require(clients.last)
            #expect(try last.statistics("stats")["current-connections"] == "\(count)")
            // Idle, not new: each has sent one command.
            for client in clients { try client.send("watch a\r\n") }
            for client in clients { try client.expect("WATCHING 2") }
            let after = try ProcessFigures.memory(of: process)
            print("\(count) idle connections: \(after / Self.mebibyte) MiB, \((after - before) / count) bytes each")
            #expect(after < 200 * Self.mebibyte)
        }
    }

    @Test(arguments: ["peek 1", "stats", "list-tubes", "list-tubes-watched", "reserve-job 1", "reserve"])
    func `a client that never reads does not increase the manager's memory`(command: String) throws {
        try TestBed.with { bed in
            let (feeder, greedy) = (try bed.connect(), try bed.connect())
            let body = String(repeating: "x", count: 60_000)
            for _ in 1...(command == "reserve" ? 500 : 1) { try feeder.put(body) }
            let names = (1...500).map { String(repeating: "n", count: 190) + "\($0)" }
            for name in names { _ = try greedy.ask("watch \(name)") }
            let process = bed.managers[0].process.id
            let before = try ProcessFigures.memory(of: process)
            // As much as it accepts, then a little more. Nothing is read on this side.
            let sent = greedy.sendWhileItIsTaken(String(repeating: command + "\r\n", count: 1_000), atMost: 64 << 20)
            // The others are served during this time.
            for _ in 1...100 { try feeder.put("a") }
            let after = try ProcessFigures.memory(of: process)
            print("\(command) \(sent) bytes unread: \((after - before) / Self.mebibyte) MiB more")
            #expect(after - before < 48 * Self.mebibyte)
        }
    }

    @Test func `a thousand connections with half a body cost only the bytes that they sent`() throws {
        try TestBed.with { bed in
            let process = bed.managers[0].process.id
            let clients = try (1...1_000).map { _ in try bed.connect() }
            for client in clients { try client.send("put 0 0 60 65535\r\n" + String(repeating: "x", count: 1_000)) }
            #expect(try bed.connect().put("a") == 1)
            let memory = try ProcessFigures.memory(of: process)
            print("1000 half commands: \(memory / Self.mebibyte) MiB in all")
            #expect(memory < 100 * Self.mebibyte)
        }
    }

    /// All clients send as much ahead as the manager accepts.
    ///
    /// Each must get its share.
    @Test func `clients that flood get equal shares, and others are served too`() throws {
        try TestBed.with { bed in
            let flooding = 8
            let served = Counts(flooding)
            let stopping = Event<Bool>()
            var threads: [Thread] = []
            for index in 0..<flooding {
                let client = try bed.connect()
                try client.use("flood\(index)")
                threads.append(
                    Thread {
                        try? client.flood("put 0 0 60 10\r\n0123456789\r\n", answer: 1, until: stopping) { count in
                            served.add(count, to: index)
                        }
                    }
                )
            }
            // One client waits for each answer.
            let polite = try bed.connect()
            try polite.use("polite")
            defer { stopping.happen { true } }
            for thread in threads { thread.start() }
            try eventually("all of them are served") { served.all.allSatisfy { $0 > 1_000 } }
            let start = served.all
            let began = ContinuousClock.now
            var waits: [Duration] = []
            while began.duration(to: .now) < .seconds(4) {
                let asked = ContinuousClock.now
                try polite.put("a")
                waits.append(asked.duration(to: .now))
            }
            let shares = zip(served.all, start).map { $0 - $1 }
            stopping.happen { true }
            let longest = try #require(waits.max())
            print("shares of \(flooding) floods: \(shares); \(waits.count) polite puts took up to \(longest)")
            let (least, most) = (try #require(shares.min()), try #require(shares.max()))
            #expect(most <= 2 * least, "\(shares)")
        }
    }
}

/// Counters that several threads add to.
private final class Counts: @unchecked Sendable {
    // Unchecked: used only while `lock` is held.
    private let lock = NSLock()
    private var counts: [Int]

    init(_ count: Int) { counts = Array(repeating: 0, count: count) }

    func add(_ count: Int, to index: Int) { lock.withLock { counts[index] += count } }

    var all: [Int] { lock.withLock { counts } }
}

extension BeanstalkSocket {
    /// Sends again and again and reads nothing, until the other side accepts no more for a while.
    ///
    /// - Returns: the number of bytes that were accepted.
    fileprivate func sendWhileItIsTaken(_ text: String, atMost limit: Int) -> Int {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < limit, waitUntilWritable(milliseconds: 500) {
            guard let count = trySend(bytes[...]) else { break }
            sent += count
        }
        return sent
    }

    /// Sends a command again and again, and counts the lines of the answers, until it has to stop.
    fileprivate func flood(
        _ command: String,
        answer lines: Int,
        until stopping: Event<Bool>,
        _ came: (Int) -> Void
    ) throws {
        let piece = Array(String(repeating: command, count: 500).utf8)
        var rest = piece[...]
        while stopping.value == nil {
            if rest.isEmpty { rest = piece[...] }
            if let count = trySend(rest) { rest = rest.dropFirst(count) }
            came(try receiveLines() / lines)
            if rest.count == piece.count { _ = waitUntilReadable(milliseconds: 10) }
        }
        abort()
    }
}
