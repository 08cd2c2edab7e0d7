import Glibc
import Testing

/// The limits on what clients can use, each with its flag.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow))
enum LimitTests {}

extension LimitTests {
    /// The flags that set limits.
    @Suite struct Flags {
        @Test func `a connection over the limit is refused and closed, and accepted when another one has left`() throws
        {
            try TestBed.with(options: ["--max-connections", "3"]) { bed in
                let held = try (1...3).map { _ in try bed.connect() }
                for (number, client) in held.enumerated() { #expect(try client.put("a") == number + 1) }
                for _ in 1...5 {
                    let refused = try bed.connect()
                    try refused.expect("OUT_OF_MEMORY")
                    refused.expectClosed()
                }
                // A client that has sent a command before it was refused can also read its answer.
                let eager = try bed.connect()
                try? eager.send("put 0 0 60 1\r\na\r\n")
                try eager.expect("OUT_OF_MEMORY")
                eager.expectClosed()
                #expect(try held[0].statistics("stats")["current-connections"] == "3")
                #expect(try held[0].statistics("stats")["total-jobs"] == "3", "none of their commands was carried out")

                held[2].close()
                try eventually("there is room again") {
                    let client = try bed.connect()
                    try? client.send("stats-tube default\r\n")
                    return try client.line().hasPrefix("OK ")
                }
                #expect(bed.managers[0].process.errors.text.contains("connections are refused"))
            }
        }

        @Test func `a hundred connections over the limit do no harm`() throws {
            try TestBed.with(options: ["--max-connections", "2"]) { bed in
                let client = try bed.connect()
                try client.put("a")
                let crowd = try (1...200).map { _ in try bed.connect() }
                #expect(try client.put("b") == 2)
                // All but one are refused. Those that have no time to read the answer are closed nevertheless.
                let admitted = try crowd.filter { socket in
                    try? socket.send("list-tube-used\r\n")
                    do {
                        return try socket.line() == "USING default"
                    } catch let error as SocketError where error.isBreak {
                        return false
                    }
                }
                #expect(admitted.count == 1)
            }
        }

        @Test func `a producer uses another manager if one is full`() throws {
            try TestBed.with(managers: 0) { bed in
                let full = try bed.startManager(options: ["--max-connections", "1"])
                try bed.startManager()
                let only = try full.connect()
                try only.put("a")
                let input = (1...100).map { "line \($0)\n" }.joined()
                let produced = try bed.run(Executables.producer, ["--managers", bed.addresses], input: input)
                #expect(produced.end == .exited(0), "\(produced.errors)")
                let consumed = try bed.run(Executables.consumer, ["--managers", bed.addresses, "--count", "101"])
                #expect(consumed.end == .exited(0), "\(consumed.errors)")
                #expect(consumed.output.split(separator: "\n").count == 101)
            }
        }

        @Test func `the number of watched tubes is limited, and the connection stays usable`() throws {
            try TestBed.with(options: ["--max-watched", "3"]) { bed in
                let client = try bed.connect()
                try client.ask("watch a", "WATCHING 2")
                try client.ask("watch b", "WATCHING 3")
                try client.ask("watch c", "OUT_OF_MEMORY")
                try client.ask("watch b", "WATCHING 3")
                try client.ask("ignore a", "WATCHING 2")
                try client.ask("watch c", "WATCHING 3")
                #expect(try client.list("list-tubes-watched") == ["default", "b", "c"])
                #expect(try client.list("list-tubes") == ["default", "b", "c"])
            }
        }

        @Test(
            arguments: [
                "put 0 0 60 5\r\nhel", "peek", "put 0 0 60 99999999\r\nxx", String(repeating: "x", count: 300),
            ]
        )
        func `an incomplete command closes the connection after a while`(bytes: String) throws {
            try TestBed.with(options: ["--command-timeout", "1"]) { bed in
                let (half, idle, waiting, other) =
                    (try bed.connect(), try bed.connect(), try bed.connect(), try bed.connect())
                try waiting.send("reserve\r\n")
                try half.send("use a\r\n")
                try half.expect("USING a")
                let start = ContinuousClock.now
                try half.send(bytes)
                half.expectClosed()
                #expect(start.duration(to: .now) >= .seconds(1))
                // Connections between two commands stay open.
                #expect(try other.put("b") == 1)
                #expect(try waiting.task("RESERVED").body == "b")
                try idle.ask("list-tube-used", "USING default")
            }
        }

        @Test func `single bytes at long intervals do not extend the time of a command`() throws {
            try TestBed.with(options: ["--command-timeout", "1"]) { bed in
                let client = try bed.connect()
                try client.send("put 0 0 60 60000\r\n")
                try eventually("it is closed") {
                    do {
                        try client.send("x")
                        usleep(20_000)
                        return false
                    } catch {
                        return true
                    }
                }
            }
        }

        @Test func `a long body may take more time while its bytes arrive`() throws {
            try TestBed.with(options: ["--command-timeout", "1", "--max-task-size", "1000000"]) { bed in
                let client = try bed.connect()
                try client.send("put 0 0 60 1000000\r\n")
                let start = ContinuousClock.now
                for _ in 1...20 {
                    try client.send(String(repeating: "x", count: 50_000))
                    usleep(100_000)
                }
                #expect(start.duration(to: .now) > .seconds(1.5))
                try client.send("\r\n")
                try client.expect("INSERTED 1")
            }
        }

        @Test func `the time limit of commands can be switched off`() throws {
            try TestBed.with(options: ["--command-timeout", "0"]) { bed in
                let client = try bed.connect()
                try client.send("put 0 0 60 5\r\nhel")
                try bed.connect().ask("reserve-with-timeout 2", "TIMED_OUT")
                try client.send("lo\r\n")
                try client.expect("INSERTED 1")
            }
        }

        @Test func `reading stops if too much was sent ahead, and continues later`() throws {
            try TestBed.with(options: ["--max-pipelined", "5", "--max-pipelined-bytes", "100"]) { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                // The reserve waits, so what follows stays in the queue and then in the kernel's buffers.
                try client.send("reserve\r\n" + String(repeating: "put 0 60 60 50\r\n\(body(50))\r\n", count: 2_000))
                try other.put("a")
                #expect(try client.task("RESERVED").body == "a")
                for number in 2...2_001 { try client.expect("INSERTED \(number)") }
            }
        }

        @Test(
            arguments: [
                "--max-connections", "--max-pipelined", "--max-pipelined-bytes", "--max-unread", "--max-watched",
                "--max-log-size",
            ]
        ) func `a limit of zero is refused`(flag: String) throws {
            try TestBed.with(managers: 0) { bed in
                let result = try bed.run(Executables.manager, ["--database", bed.database, flag, "0"])
                #expect(result.end == .exited(64))
                #expect(result.errors.contains("\(flag) must be from"), "\(result.errors)")
            }
        }

        private func body(_ count: Int) -> String { String(repeating: "x", count: count) }
    }
}
