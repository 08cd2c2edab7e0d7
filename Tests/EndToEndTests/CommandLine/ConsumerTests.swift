import Foundation
import Glibc
import Testing

extension CommandLineTests {
    @Suite struct Consumer {
        @Test func `bodies are printed as lines and the tasks deleted`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for body in ["first", "", "third"] { try client.put(body) }
                let result = try bed.run(Executables.consumer, ["--managers", bed.addresses, "--until-empty"])
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(result.output == "first\n\nthird\n")
                #expect(try client.statistics("stats")["total-jobs"] == "3")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
            }
        }

        @Test func `it ends after the count and leaves the other tasks`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for number in 1...10 { try client.put("\(number)") }
                let result = try bed.run(
                    Executables.consumer,
                    ["--managers", bed.addresses, "--count", "4", "--concurrency", "3"]
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(result.output.split(separator: "\n").count == 4)
                try eventually("the other tasks are there") {
                    let stats = try client.statistics("stats")
                    return stats["current-jobs-ready"] == "6" && stats["current-jobs-reserved"] == "0"
                }
            }
        }

        @Test func `it waits for tasks until it is stopped`() throws {
            try TestBed.with { bed in
                let consumer = try bed.start(Executables.consumer, ["--managers", bed.addresses, "--tube", "letters"])
                let client = try bed.connect()
                try client.use("letters")
                for number in 1...3 {
                    try client.put("letter \(number)")
                    #expect(consumer.output.waitForLines(number))
                }
                #expect(consumer.output.lines == ["letter 1", "letter 2", "letter 3"])
                consumer.signal(SIGTERM)
                #expect(try consumer.waitForEnd() == .exited(0), "\(consumer.errors.text)")
                try eventually("all are deleted") { try client.statistics("stats-tube letters")["cmd-delete"] == "3" }
            }
        }

        @Test func `only the given tubes are emptied`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for tube in ["a", "b", "c", "default"] {
                    try client.use(tube)
                    try client.put("in \(tube)")
                }
                let result = try bed.run(
                    Executables.consumer,
                    ["--managers", bed.addresses, "--tube", "a", "--tube", "c", "--until-empty"]
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(result.output.split(separator: "\n").sorted() == ["in a", "in c"])
                #expect(try client.statistics("stats")["current-jobs-ready"] == "2")
            }
        }

        @Test(arguments: ["round-robin", "random"]) func `managers are selected as requested`(way: String) throws {
            try TestBed.with(managers: 3) { bed in
                let client = try bed.connect()
                for number in 1...60 { try client.put("\(number)") }
                let result = try bed.run(
                    Executables.consumer,
                    ["--managers", bed.addresses, "--pick", way, "--until-empty"]
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(Set(result.output.split(separator: "\n").compactMap { Int($0) }) == Set(1...60))
                for index in 0..<3 {
                    let stats = try bed.connect(index).statistics("stats")
                    let reserves =
                        (stats[number: "cmd-reserve"] ?? 0) + (stats[number: "cmd-reserve-with-timeout"] ?? 0)
                    #expect(reserves > 0, "manager \(index) was never asked")
                }
            }
        }

        @Test func `a command gets each body on its standard input`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for body in ["one", "two", "", "with\nline end"] { try client.put(body) }
                let result = try bed.run(
                    Executables.consumer,
                    ["--managers", bed.addresses, "--until-empty"]
                        + ["--", "sh", "-c", "printf 'got <%s>\\n' \"$(cat)\""]
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(result.output == "got <one>\ngot <two>\ngot <>\ngot <with\nline end>\n")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
            }
        }

        @Test func `a failed task is tried again later, until its last attempt`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("bad")
                let consumer = try bed.start(
                    Executables.consumer,
                    ["--managers", bed.addresses, "--max-attempts", "2", "--", "sh", "-c", "cat; echo; exit 3"]
                )
                try eventually("the task is buried") { try client.statistics("stats-job 1")["state"] == "buried" }
                consumer.signal(SIGTERM)
                _ = try consumer.waitForEnd()
                #expect(consumer.output.text == "bad\nbad\n")
                let job = try client.statistics("stats-job 1")
                #expect(["reserves", "releases", "buries"].map { job[$0] } == ["2", "1", "1"])
            }
        }

        @Test func `a missing command is reported and changes no task`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                let result = try bed.run(
                    Executables.consumer,
                    ["--managers", bed.addresses, "--until-empty", "--", "/absent/command"]
                )
                #expect(result.end != .exited(0))
                #expect(result.errors.contains("/absent/command"), "\(result.errors)")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "1")
            }
        }

        @Test func `several commands run at the same time if concurrency allows it`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for number in 1...3 { try client.put("\(number)") }
                // Each waits until it sees the files of all three. One after the other would never end.
                let script = """
                    touch '\(bed.directory.path)/seen-'$(cat); \
                    while [ $(ls '\(bed.directory.path)' | grep -c ^seen-) -lt 3 ]; do sleep 0.05; done; echo done
                    """
                let result = try bed.run(
                    Executables.consumer,
                    ["--managers", bed.addresses, "--concurrency", "3", "--count", "3", "--", "sh", "-c", script]
                )
                #expect(result.end == .exited(0), "\(result.errors)")
                #expect(result.output == "done\ndone\ndone\n")
            }
        }

        @Test func `it continues when a manager dies`() throws {
            try TestBed.with(managers: 2, fixedPorts: true) { bed in
                let consumer = try bed.start(Executables.consumer, ["--managers", bed.addresses, "--concurrency", "2"])
                try bed.connect(0).put("before")
                #expect(consumer.output.waitForLines(1))
                bed.managers[0].kill()
                let client = try bed.connect(1)
                for number in 2...20 { try client.put("\(number)") }
                #expect(consumer.output.waitForLines(20))
                try bed.restartManager(0)
                let again = try bed.connect(0)
                for number in 21...40 { try again.put("\(number)") }
                #expect(consumer.output.waitForLines(40))
                consumer.signal(SIGINT)
                #expect(try consumer.waitForEnd() == .exited(0), "\(consumer.errors.text)")
                #expect(Set(consumer.output.lines) == Set(["before"] + (2...40).map(String.init)))
            }
        }

        @Test func `without a reachable manager it prints the addresses`() throws {
            try TestBed.with(managers: 0) { bed in
                let port = try bed.reservePort()
                let result = try bed.run(
                    Executables.consumer,
                    ["--managers", "127.0.0.1:\(port)", "--until-empty"]
                )
                #expect(result.end != .exited(0))
                #expect(result.output == "")
                #expect(result.errors.contains("127.0.0.1:\(port)"), "\(result.errors)")
                #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
            }
        }

        @Test(
            arguments: [
                ["--managers", "127.0.0.1:x"], ["--managers", "127.0.0.1:1", "--tube", "no name"],
                ["--managers", "127.0.0.1:1", "--pick", "best"], ["--managers", "127.0.0.1:1", "--concurrency", "0"],
                ["--managers", "127.0.0.1:1", "--count", "1", "--until-empty"],
                ["--managers", "127.0.0.1:1", "--count", "-1"], ["--managers", "127.0.0.1:1", "--unheard-of"],
            ]
        ) func `wrong flags get the usage and status 64`(arguments: [String]) throws {
            try TestBed.with(managers: 0) { bed in
                let result = try bed.run(Executables.consumer, arguments)
                #expect(result.end == .exited(64), "\(result.errors)")
                #expect(result.output == "")
                #expect(result.errors.contains("Usage: beanrow-consumer"), "\(result.errors)")
            }
        }
    }
}
