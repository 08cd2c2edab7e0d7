import Foundation
import Testing

extension CommandLineTests {
    @Suite struct Producer {
        @Test func `each line of the input becomes a task`() throws {
            try TestBed.with { bed in
                let result = try bed.run(
                    Executables.producer,
                    ["--managers", bed.addresses],
                    input: "first\n\n  third, with spaces \r\nlast, without an end"
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(result.output == "")
                let client = try bed.connect()
                let bodies = try (1...4).map { _ in try client.reserve().body }
                #expect(bodies == ["first", "", "  third, with spaces \r", "last, without an end"])
                #expect(try client.reserveNow() == nil)
            }
        }

        @Test func `empty input is no task and no error`() throws {
            try TestBed.with { bed in
                let result = try bed.run(Executables.producer, ["--managers", bed.addresses], input: "")
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(try bed.connect().statistics("stats")["total-jobs"] == "0")
            }
        }

        @Test func `tube, priority, delay and time to run can be set`() throws {
            try TestBed.with { bed in
                let result = try bed.run(
                    Executables.producer,
                    ["--managers", bed.addresses, "--tube", "letters"]
                        + ["--priority", "7", "--delay", "1000", "--ttr", "99"],
                    input: "a\n"
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                let job = try bed.connect().statistics("stats-job 1")
                #expect(
                    ["tube", "state", "pri", "delay", "ttr"].map { job[$0] }
                        == ["letters", "delayed", "7", "1000", "99"]
                )
            }
        }

        @Test func `ids are printed in the order of the lines`() throws {
            try TestBed.with { bed in
                let lines = (1...3_000).map { "line \($0)" }
                let result = try bed.run(
                    Executables.producer,
                    ["--managers", bed.addresses, "--print-ids"],
                    input: lines.joined(separator: "\n") + "\n"
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                let ids = result.output.split(separator: "\n").compactMap { Int($0) }
                #expect(ids.count == lines.count)
                let client = try bed.connect()
                for (id, line) in zip(ids, lines) { #expect(try client.peek("peek \(id)")?.body == line) }
            }
        }

        @Test func `bodies are generated if a count is given`() throws {
            try TestBed.with { bed in
                let result = try bed.run(
                    Executables.producer,
                    ["--managers", bed.addresses, "--count", "500", "--size", "100"]
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                let client = try bed.connect()
                #expect(try client.statistics("stats")["current-jobs-ready"] == "500")
                #expect(try client.reserve().body.utf8.count == 100)
            }
        }

        @Test func `a body that the manager refuses is reported`() throws {
            try TestBed.with { bed in
                let result = try bed.run(
                    Executables.producer,
                    ["--managers", bed.addresses],
                    input: "good\n\(String(repeating: "x", count: 70_000))\nalso good\n"
                )
                #expect(result.end != .exited(0))
                #expect(!result.errors.isEmpty)
            }
        }

        @Test func `it uses the next manager that answers`() throws {
            try TestBed.with { bed in
                let unused = try bed.reservePort()
                let result = try bed.run(
                    Executables.producer,
                    ["--managers", "127.0.0.1:\(unused),\(bed.addresses)"],
                    input: "a\nb\n"
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(try bed.connect().statistics("stats")["current-jobs-ready"] == "2")
            }
        }

        @Test func `without a reachable manager it prints the addresses`() throws {
            try TestBed.with(managers: 0) { bed in
                let ports = [try bed.reservePort(), try bed.reservePort()]
                let result = try bed.run(
                    Executables.producer,
                    ["--managers", "127.0.0.1:\(ports[0]),127.0.0.1:\(ports[1])"],
                    input: "a\n"
                )
                #expect(result.end != .exited(0))
                #expect(result.output == "")
                for port in ports { #expect(result.errors.contains("127.0.0.1:\(port)"), "\(result.errors)") }
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            }
        }

        @Test(
            arguments: [
                ["--managers", ""], ["--managers", "127.0.0.1:x"], ["--managers", "127.0.0.1:1", "--tube", "no name"],
                ["--managers", "127.0.0.1:1", "--priority", "-1"], ["--managers", "127.0.0.1:1", "--priority", "x"],
                ["--managers", "127.0.0.1:1", "--size", "10"], ["--managers", "127.0.0.1:1", "--count", "-1"],
                ["--managers", "127.0.0.1:1", "--unheard-of"],
            ]
        ) func `wrong flags get the usage and status 64`(arguments: [String]) throws {
            try TestBed.with(managers: 0) { bed in
                let result = try bed.run(Executables.producer, arguments)
                #expect(result.end == .exited(64), "\(result.errors)")
                #expect(result.output == "")
                #expect(result.errors.contains("Usage: beanrow-producer"), "\(result.errors)")
            }
        }
    }
}
