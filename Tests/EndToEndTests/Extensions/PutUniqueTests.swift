import Glibc
import SeededRandom
import Synchronization
import Testing

extension ExtensionTests {
    /// `put-unique`: a put that cannot happen twice.
    @Suite struct PutUnique {
        @Test func `the same key is put once, through any manager`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                #expect(try a.putUnique("order/7", "first") == "INSERTED 1")
                #expect(try a.putUnique("order/7", "second") == "EXISTS 1")
                #expect(try b.putUnique("order/7", "third") == "EXISTS 1")
                #expect(try b.putUnique("order/8", "other") == "INSERTED 2")
                #expect(try b.reserve() == ReceivedTask(id: 1, body: "first"))
                #expect(try b.statistics("stats-tube default")["total-jobs"] == "2")
                let stats = try a.statistics("stats")
                #expect([stats["cmd-put"], stats["total-jobs"]] == ["2", "2"])
            }
        }

        @Test func `a key belongs to the tube in use`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                #expect(try client.putUnique("k", "a") == "INSERTED 1")
                try client.use("other")
                #expect(try client.putUnique("k", "b") == "INSERTED 2")
                #expect(try client.putUnique("k", "b") == "EXISTS 2")
                try client.use("default")
                #expect(try client.putUnique("k", "a") == "EXISTS 1")
                #expect(try client.statistics("stats-job 2")["tube"] == "other")
            }
        }

        @Test func `it puts a task as put does`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("letters")
                try client.send("put-unique k 4294967295 100000 0 3\r\n\r\n\0\r\n")
                try client.expect("INSERTED 1")
                let job = try client.statistics("stats-job 1")
                #expect(
                    ["tube", "state", "pri", "delay", "ttr"].map { job[$0] }
                        == ["letters", "delayed", "4294967295", "100000", "1"]
                )
                #expect(try client.peek("peek 1")?.body == "\r\n\0")
                #expect(try client.putUnique("empty", "") == "INSERTED 2")
                #expect(try client.peek("peek 2")?.body == "")
                // A waiting consumer gets it, as with `put`.
                let waiting = try bed.connect()
                try waiting.watchOnly("wake")
                try waiting.send("reserve\r\n")
                try client.use("wake")
                #expect(try client.putUnique("k", "up") == "INSERTED 3")
                #expect(try waiting.task("RESERVED").body == "up")
            }
        }

        @Test func `the key is known in each state of the task, and after its end`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                func expectToExist() throws {
                    for client in [a, b] { #expect(try client.putUnique("k", "again") == "EXISTS 1") }
                }
                #expect(try a.putUnique("k", "x", delay: 100_000) == "INSERTED 1")
                try expectToExist()
                try b.ask("kick-job 1", "KICKED")
                try expectToExist()
                try a.reserve()
                try expectToExist()
                try a.ask("bury 1 0", "BURIED")
                try expectToExist()
                try b.ask("delete 1", "DELETED")
                try expectToExist()
                #expect(try a.statistics("stats")["current-jobs-ready"] == "0")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
            }
        }

        @Test(arguments: ["clear-tube default ready", "sql"])
        func `a task that was cleared or deleted by SQL also leaves its key`(way: String) throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                #expect(try client.putUnique("k", "x") == "INSERTED 1")
                if way == "sql" { try bed.sql("DELETE FROM task;") } else { try client.ask(way, "CLEARED 1") }
                #expect(try client.putUnique("k", "x") == "EXISTS 1")
                #expect(try client.reserveNow() == nil)
            }
        }

        @Test func `after the retention the key is free, and not before`() throws {
            try TestBed.with(managers: 2, options: ["--unique-retention", "1"]) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                #expect(try a.putUnique("k", "first") == "INSERTED 1")
                try b.reserve()
                let start = ContinuousClock.now
                try b.ask("delete 1", "DELETED")
                var answer = try a.putUnique("k", "second")
                try eventually("the key is free") {
                    // Only these two answers are allowed.
                    if answer == "EXISTS 1" { answer = try a.putUnique("k", "second") }
                    return answer == "INSERTED 2"
                }
                #expect(ContinuousClock.now - start >= .milliseconds(950))
                #expect(try b.reserve() == ReceivedTask(id: 2, body: "second"))
                #expect(try b.putUnique("k", "third") == "EXISTS 2")
            }
        }

        @Test func `expired keys are removed, others stay, and a put without a key has none`() throws {
            try TestBed.with(options: ["--unique-retention", "1"]) { bed in
                let client = try bed.connect()
                for number in 1...50 { #expect(try client.putUnique("k\(number)", "x") == "INSERTED \(number)") }
                for _ in 1...20 { try client.put("plain") }
                #expect(try bed.sql("SELECT count(*) FROM unique_key;") == "50")
                for number in 1...49 { try client.ask("delete \(number)", "DELETED") }
                try eventually("only the key of the existing task is left") {
                    try bed.sql("SELECT key FROM unique_key;") == "k50"
                }
                #expect(try client.putUnique("k50", "x") == "EXISTS 50")
            }
        }

        @Test func `without retention a key is free when its task ends`() throws {
            try TestBed.with(options: ["--unique-retention", "0"]) { bed in
                let client = try bed.connect()
                #expect(try client.putUnique("k", "x") == "INSERTED 1")
                #expect(try client.putUnique("k", "x") == "EXISTS 1")
                try client.ask("delete 1", "DELETED")
                #expect(try client.putUnique("k", "x") == "INSERTED 2")
            }
        }

        @Test(arguments: [true, false]) func `keys survive a restart`(isKilled: Bool) throws {
            try TestBed.with(fixedPorts: true) { bed in
                let before = try bed.connect()
                #expect(try before.putUnique("alive", "x") == "INSERTED 1")
                #expect(try before.putUnique("gone", "x") == "INSERTED 2")
                try before.ask("delete 2", "DELETED")
                if isKilled { bed.managers[0].kill() } else { try bed.managers[0].stop() }
                try bed.restartManager(0)
                let after = try bed.connect()
                #expect(try after.putUnique("alive", "x") == "EXISTS 1")
                #expect(try after.putUnique("gone", "x") == "EXISTS 2")
                #expect(try after.putUnique("new", "x") == "INSERTED 3")
            }
        }

        @Test func `keys follow the rules of tube names, and malformed ones get BAD_FORMAT`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let longest = String(repeating: "0123456789", count: 20)
                for command in [
                    "put-unique ", "put-unique k", "put-unique k 0 0 1", "put-unique k 0 0 1 x",
                    "put-unique k 0 0 -1 1", "put-unique k 4294967296 0 1 1", "put-unique -k 0 0 1 1",
                    "put-unique k! 0 0 1 1",
                    "put-unique ä 0 0 1 1", "put-unique  k 0 0 1 1", "put-unique k\t0 0 1 1", "put-unique k 0 0 1 1 ",
                    "put-unique k 0 0 1 1 1", "put-unique \(longest)z 0 0 1 1",
                    "put-unique \(longest) 0 0 1 " + String(repeating: "0", count: 100),
                ] {
                    try client.ask(command, "BAD_FORMAT")
                }
                try client.ask("put-unique", "UNKNOWN_COMMAND")
                #expect(try client.putUnique(longest, "x") == "INSERTED 1")
                #expect(try client.putUnique(longest, "x") == "EXISTS 1")
                try client.send("put-unique \(longest) 4294967295 4294967295 4294967295 1\r\nx\r\n")
                try client.expect("EXISTS 1")
                #expect(try client.putUnique("(ABCXYZabcxyz0189-+/;.$_()", "x") == "INSERTED 2")
                #expect(try client.statistics("stats")["total-jobs"] == "2")
            }
        }

        @Test func `a body that is refused does not use up the key`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("put-unique k 0 0 1 3\r\nabc\n\n")
                try client.expect("EXPECTED_CRLF")
                try client.send("put-unique k 0 0 1 65536\r\n" + String(repeating: "x", count: 65_536) + "\r\n")
                try client.expect("JOB_TOO_BIG")
                let leaving = try bed.connect()
                try leaving.send("put-unique k 0 0 1 3\r\nabc\r")
                leaving.closeSending()
                leaving.expectClosed()
                let largest = String(repeating: "y", count: 65_535)
                #expect(try client.putUnique("k", largest) == "INSERTED 1")
                #expect(try client.reserve().body == largest)
            }
        }

        @Test func `in drain mode it is refused and the key is free`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                bed.managers[0].process.signal(SIGUSR1)
                try eventually("draining") { try a.statistics("stats")["draining"] == "true" }
                #expect(try a.putUnique("k", "x") == "DRAINING")
                #expect(try b.putUnique("k", "x") == "INSERTED 1")
            }
        }

        @Test func `if many clients put a key at the same time, one task is put`() throws {
            try TestBed.with(managers: 3) { bed in
                let (threads, keys) = (12, 200)
                let answers = Mutex<[Int: [String]]>([:])
                let workers = Workers()
                for thread in 0..<threads {
                    let client = try bed.connect(thread % 3)
                    workers.start {
                        var random = SeededGenerator(seed: TestSeed.current &+ UInt64(thread))
                        // Half of them send a dozen puts ahead, so that a batch has a key more than once.
                        let window = thread.isMultiple(of: 2) ? 12 : 1
                        var order = Array(1...keys).shuffled(using: &random)[...]
                        while !order.isEmpty {
                            let some = order.prefix(window)
                            order = order.dropFirst(window)
                            let puts = some.map { "put-unique key-\($0) 0 0 600 4\r\n\($0 + 1_000)\r\n" }
                            try? client.send(puts.joined())
                            for key in some {
                                let answer = (try? client.line()) ?? "no answer"
                                answers.withLock { $0[key, default: []].append(answer) }
                            }
                        }
                    }
                }
                try #require(workers.wait(timeout: .seconds(300)))
                let all = answers.withLock { $0 }
                #expect(all.count == keys)
                for (key, answers) in all {
                    let inserted = answers.filter { $0.hasPrefix("INSERTED ") }
                    let id = inserted.first?.dropFirst("INSERTED ".count) ?? "?"
                    #expect(inserted.count == 1, "key \(key): \(answers)")
                    #expect(answers.count { $0 == "EXISTS \(id)" } == threads - 1, "key \(key): \(answers)")
                    #expect(try bed.connect().peek("peek \(id)")?.body == "\(key + 1_000)")
                }
                #expect(try bed.sql("SELECT count(*), count(DISTINCT body) FROM task;") == "\(keys)|\(keys)")
                try bed.expectCountsToBeRight()
            }
        }
    }
}
