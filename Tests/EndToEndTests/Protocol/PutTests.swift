import Glibc
import Testing

extension ProtocolTests {
    /// "Producer Commands": `put` and `use`.
    @Suite struct Put {
        @Test func `ids count up from one`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("put 0 0 1 1\r\na\r\n")
                try client.expect("INSERTED 1")
                try client.send("put 0 0 1 1\r\nb\r\n")
                try client.expect("INSERTED 2")
            }
        }

        @Test func `a body comes back byte for byte`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let body = (0...255).map { UInt8($0) } + Array("\r\nput 0 0 1 1\r\n\r\n".utf8)
                try client.send(Array("put 0 0 1 \(body.count)\r\n".utf8) + body + Array("\r\n".utf8))
                try client.expect("INSERTED 1")
                try client.ask("reserve", "RESERVED 1 \(body.count)")
                #expect(try client.receive(body.count + 2) == body + Array("\r\n".utf8))
            }
        }

        @Test func `a body may be empty`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                #expect(try client.put("") == 1)
                #expect(try client.reserve() == ReceivedTask(id: 1, body: ""))
            }
        }

        @Test func `a body may have at most 65535 bytes`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let largest = String(repeating: "x", count: 65_535)
                #expect(try client.put(largest) == 1)
                #expect(try client.reserve().body == largest)
                try client.send("put 0 0 1 65536\r\n\(largest)x\r\n")
                try client.expect("JOB_TOO_BIG")
            }
        }

        @Test func `priority, delay and time to run go up to 2³²−1`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("put 4294967295 4294967295 4294967295 1\r\na\r\n")
                try client.expect("INSERTED 1")
                let job = try client.statistics("stats-job 1")
                #expect(job["pri"] == "4294967295")
                #expect(job["delay"] == "4294967295")
                #expect(job["ttr"] == "4294967295")
                #expect(job["state"] == "delayed")
            }
        }

        @Test func `a time to run of zero becomes one second`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("put 0 0 0 1\r\na\r\n")
                try client.expect("INSERTED 1")
                #expect(try client.statistics("stats-job 1")["ttr"] == "1")
            }
        }

        @Test func `a task goes into the tube in use, which is default at first`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                try client.use("letters")
                try client.put("b")
                #expect(try client.statistics("stats-job 1")["tube"] == "default")
                #expect(try client.statistics("stats-job 2")["tube"] == "letters")
            }
        }

        @Test func `a delayed task becomes ready when its delay has passed`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("later", delay: 1)
                #expect(try client.statistics("stats-job 1")["state"] == "delayed")
                #expect(try client.reserveNow() == nil)
                #expect(try client.reserve() == ReceivedTask(id: 1, body: "later"))
            }
        }

        @Test func `a body and its line end may arrive in pieces`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let other = try bed.connect()
                for piece in ["pu", "t 0 0 1", " 4\r", "\n", "ab", "cd", "\r"] {
                    try client.send(piece)
                    // The answer to another client shows that the manager does not wait for the rest.
                    try other.ask("list-tube-used", "USING default")
                }
                #expect(try other.reserveNow() == nil)
                try client.send("\n")
                try client.expect("INSERTED 1")
                #expect(try other.reserve().body == "abcd")
            }
        }

        @Test func `use answers with the tube's name`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("list-tube-used", "USING default")
                try client.ask("use a", "USING a")
                try client.ask("list-tube-used", "USING a")
            }
        }

        @Test func `a tube's name may have all allowed characters`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for name in ["x_y", "ABCXYZabcxyz0189-+/;.$_()", "0", "+", "(-"] {
                    try client.ask("use \(name)", "USING \(name)")
                }
            }
        }

        @Test func `a tube's name may have at most 200 bytes`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let longest = String(repeating: "0123456789", count: 20)
                try client.ask("use \(longest)", "USING \(longest)")
                try client.ask("use \(longest)z", "BAD_FORMAT")
                try client.ask("pause-tube \(longest) 4294967295", "PAUSED")
                try client.ask("watch \(longest)", "WATCHING 2")
                try client.ask("watch \(longest)z", "BAD_FORMAT")
            }
        }

        @Test func `in drain mode puts are refused and all other commands work`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("before")
                #expect(try client.statistics("stats")["draining"] == "false")
                bed.managers[0].process.signal(SIGUSR1)
                try eventually("draining") { try client.statistics("stats")["draining"] == "true" }
                try client.send("put 0 0 1 6\r\nduring\r\n")
                try client.expect("DRAINING")
                #expect(try client.reserve().body == "before")
                try client.ask("delete 1", "DELETED")
            }
        }
    }
}
