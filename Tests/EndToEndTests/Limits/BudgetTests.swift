import Foundation
import Testing

/// `--max-memory`: the memory that all clients together can use is bounded.
@Suite(.alone, .serialized, .enabled(if: TestSettings.isBeanrow && !TestSettings.isSanitized)) struct BudgetTests {
    private static let mebibyte = 1 << 20

    /// Eight mebibytes, so that a test reaches the bound with few connections: two MiB for bodies, two for unread
    /// answers.
    private static let options = ["--max-memory", "8"]

    /// The memory that a manager may use beyond the budget: connections, answers being made, and unused memory of the
    /// allocator.
    private static let slack = 24 * mebibyte

    private func held(_ client: BeanstalkSocket) throws -> Int {
        let statistics = try client.statistics("stats")
        #expect(statistics["max-memory"] == "\(8 * Self.mebibyte)")
        return try #require(statistics[number: "memory-held"])
    }

    /// Runs a flood, and checks that the manager stays within the bound and that others are served during this time.
    private func withFlood(
        prepare: (BeanstalkSocket) throws -> Void = { _ in },
        clients count: Int,
        flood: (Int, BeanstalkSocket) throws -> Void,
        afterwards: ([BeanstalkSocket], BeanstalkSocket) throws -> Void = { _, _ in }
    ) throws {
        try TestBed.with(options: Self.options) { bed in
            let polite = try bed.connect()
            try prepare(polite)
            let process = bed.managers[0].process.id
            let clients = try (0..<count).map { _ in try bed.connect() }
            #expect(try polite.put("first") > 0)
            let before = try ProcessFigures.memory(of: process)
            for (index, client) in clients.enumerated() { try flood(index, client) }
            for number in 1...20 {
                let body = String(repeating: "p", count: 30_000)
                try polite.ask("use polite", "USING polite")
                let id = try polite.put(body)
                #expect(try polite.peek("peek \(id)")?.body == body, "\(number)")
                try polite.ask("delete \(id)", "DELETED")
            }
            let more = try ProcessFigures.memory(of: process) - before
            print("\(count) clients: \(more / Self.mebibyte) MiB more, \(try held(polite) / 1024) KiB counted")
            #expect(more < 8 * Self.mebibyte + Self.slack)
            #expect(try held(polite) <= 8 * Self.mebibyte)
            try afterwards(clients, polite)
            for client in clients { client.abort() }
            try eventually("all memory is free again") { try held(polite) == 0 }
        }
    }

    @Test(arguments: ["peek 1", "list-tubes-watched", "list-tubes", "stats", "reserve"])
    func `unread answers stay within the budget`(command: String) throws {
        try withFlood(
            prepare: { polite in
                for _ in 1...(command == "reserve" ? 300 : 1) { try polite.put(String(repeating: "x", count: 60_000)) }
            },
            clients: 60,
            flood: { _, client in try client.send(String(repeating: command + "\r\n", count: 64)) }
        )
    }

    @Test func `incomplete bodies are discarded, and the others are put`() throws {
        let body = String(repeating: "y", count: 60_000)
        try withFlood(clients: 100) { _, client in
            try client.send("put 0 0 60 60000\r\n" + body.dropLast(1))
        } afterwards: { clients, polite in
            var answers: [String: Int] = [:]
            for client in clients {
                try client.send("y\r\nlist-tube-used\r\n")
                answers[String(try client.line().prefix(8)), default: 0] += 1
                try client.expect("USING default")
            }
            #expect(answers.keys.sorted() == ["INSERTED", "OUT_OF_M"], "\(answers)")
            #expect(answers["INSERTED"] ?? 0 >= 20, "a quarter of the budget has room for these")
        }
    }

    @Test func `bodies after a waiting reserve are refused in their order`() throws {
        let body = String(repeating: "z", count: 60_000)
        try withFlood(clients: 60) { _, client in
            try client.ask("watch nothing", "WATCHING 2")
            try client.ask("ignore default", "WATCHING 1")
            try client.send("reserve\r\nput 0 0 60 60000\r\n\(body)\r\nlist-tube-used\r\n")
        } afterwards: { clients, polite in
            try polite.use("nothing")
            for _ in clients { try polite.put("go on") }
            var refused = 0
            for client in clients {
                _ = try client.task("RESERVED")
                let line = try client.line()
                if line == "OUT_OF_MEMORY" { refused += 1 } else { #expect(line.hasPrefix("INSERTED ")) }
                try client.expect("USING default")
            }
            #expect((1..<60).contains(refused), "\(refused)")
        }
    }

    @Test func `all commands after a waiting reserve are carried out in the end`() throws {
        let name = String(repeating: "n", count: 190)
        try withFlood(clients: 60) { index, client in
            try client.ask("watch nothing", "WATCHING 2")
            try client.ask("ignore default", "WATCHING 1")
            try client.send("reserve\r\n" + String(repeating: "use \(name)\r\n", count: 400))
        } afterwards: { clients, polite in
            try polite.use("nothing")
            for _ in clients { try polite.put("go on") }
            for client in clients {
                _ = try client.task("RESERVED")
                for _ in 1...400 { try client.expect("USING \(name)") }
            }
        }
    }

    @Test func `lists of watched tubes stay within the budget`() throws {
        var refused = 0
        try withFlood(clients: 40) { index, client in
            try client.send((0..<100).map { "watch \(String(repeating: "w", count: 180))\(index)-\($0)\r\n" }.joined())
            for _ in 0..<100 { if try client.line() == "OUT_OF_MEMORY" { refused += 1 } }
        }
        #expect(refused > 1000)
    }

    @Test func `a client that reads slowly gets all its answers`() throws {
        try TestBed.with(options: Self.options) { bed in
            let client = try bed.connect()
            let body = String(repeating: "s", count: 60_000)
            let id = try client.put(body)
            try client.send(String(repeating: "peek \(id)\r\n", count: 300))
            for number in 1...300 { #expect(try client.task("FOUND").body == body, "\(number)") }
        }
    }

    @Test func `it does not start with less memory than four of the largest tasks`() throws {
        try TestBed.with(managers: 0) { bed in
            let arguments = ["--database", bed.database, "--listen", "127.0.0.1:0", "--max-task-size", "1048576"]
            let result = try bed.run(Executables.manager, arguments + ["--max-memory", "3"])
            #expect(result.end == .exited(64))
            #expect(result.errors.contains("--max-memory must be at least 4"))
            try bed.startManager(options: ["--max-task-size", "1048576", "--max-memory", "4"])
            #expect(try bed.connect().put(String(repeating: "x", count: 1_048_576)) == 1)
            // The default budget grows if the largest task needs more.
            try bed.startManager(options: ["--max-task-size", "\(100 << 20)"])
            #expect(try bed.connect(1).statistics("stats")["max-memory"] == "\(400 << 20)")
        }
    }
}
