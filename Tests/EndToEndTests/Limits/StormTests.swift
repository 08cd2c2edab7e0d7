import Foundation
import Testing

/// Many clients at once, and too few descriptors.
@Suite(.serialized, .enabled(if: TestSettings.isBeanrow && !TestSettings.isSanitized)) struct StormTests {
    @Test func `a thousand clients that connect at the same moment are served`() throws {
        let count = 1_000
        let possible = ProcessFigures.raiseDescriptorLimit(to: count + 500)
        try #require(possible >= count + 500, "this process may have only \(possible) descriptors")
        try TestBed.with(managers: 2, fixedPorts: true) { bed in
            func storm() throws -> [BeanstalkSocket] {
                let clients = try (0..<count).map { try bed.connect($0 % 2) }
                for client in clients { try client.send("put 0 0 60 1\r\nx\r\nreserve\r\n") }
                for client in clients {
                    #expect(try client.line().hasPrefix("INSERTED "))
                    _ = try client.task("RESERVED")
                }
                return clients
            }
            let clients = try storm()
            // All managers end and restart. Then all clients connect again at once.
            for index in 0..<2 { bed.managers[index].kill() }
            for index in 0..<2 { try bed.restartManager(index) }
            for client in clients { client.abort() }
            let again = try storm()
            #expect(try bed.connect().statistics("stats")["current-connections"] == "\(count / 2 + 1)")
            for client in again { client.abort() }
            try bed.expectCountsToBeRight()
        }
    }

    @Test func `without free descriptors it stops accepting, logs this once, and continues when there are some`() throws
    {
        try TestBed.with { bed in
            let process = bed.managers[0].process
            let client = try bed.connect()
            try client.put("before")
            let used = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.id)/fd").count
            let limit = used + 3
            let result = try bed.run("prlimit", ["--pid=\(process.id)", "--nofile=\(limit):\(limit)"])
            try #require(result.end == .exited(0), "\(result.errors)")
            let clients = try (0..<10).map { _ in try bed.connect() }
            for client in clients { try client.send("list-tube-used\r\n") }
            try eventually("it is logged") { process.errors.text.contains("connections cannot be accepted") }
            // Connected clients are served.
            for _ in 1...50 { try client.put("later") }
            // When a client leaves, there is room for the next one.
            var answered = 0
            for client in clients {
                try client.expect("USING default")
                answered += 1
                client.close()
            }
            #expect(answered == clients.count)
            try eventually("the end is logged too") { process.errors.text.contains("connections are accepted again") }
            let lines = process.errors.text.split(separator: "\n")
            #expect(lines.count { $0.contains("connections cannot be accepted") } <= 10, "logged once each time")
            let attempts = lines.compactMap { line in
                line.firstMatch(of: /attempts=([0-9]+)/).flatMap { Int($0.1) }
            }
            #expect(attempts.allSatisfy { $0 < 100 }, "\(attempts)")
        }
    }

    @Test func `a connection that has closed is not counted by the next one`() throws {
        try TestBed.with { bed in
            for number in 1...100 {
                let first = try bed.connect()
                if number % 2 == 0 { try first.put("a") }
                // Shut down here, since a child of another test may have the descriptor for a moment.
                first.closeSending()
                first.close()
                let second = try bed.connect()
                #expect(try second.statistics("stats")["current-connections"] == "1")
                second.closeSending()
                second.close()
            }
        }
    }

    @Test func `clients that come and leave do not get all tasks of waiting clients`() throws {
        try TestBed.with(managers: 2) { bed in
            let (asking, waiting, producer) = (try bed.connect(), try bed.connect(1), try bed.connect())
            var (asked, waited) = (0, 0)
            try waiting.send("reserve\r\n")
            while asked + waited < 200 {
                try producer.put("a")
                var isTaken = false
                while !isTaken {
                    if let task = try asking.reserveNow() {
                        try asking.ask("delete \(task.id)", "DELETED")
                        (asked, isTaken) = (asked + 1, true)
                    } else if waiting.waitUntilReadable(milliseconds: 1) {
                        let task = try waiting.task("RESERVED")
                        try waiting.ask("delete \(task.id)", "DELETED")
                        try waiting.send("reserve\r\n")
                        (waited, isTaken) = (waited + 1, true)
                    }
                }
            }
            print(
                "of 200 tasks \(asked) went to the client that asks, \(waited) to the one that waits at another manager"
            )
            #expect(waited > 0)
        }
    }
}
