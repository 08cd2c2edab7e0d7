import Testing

extension ProtocolTests {
    /// "Protocol": commands of one connection run in order, and so do their answers.
    @Suite struct Pipelining {
        @Test func `commands in one packet are answered in order`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send(
                    "use a\r\nput 5 0 10 3\r\nabc\r\nunheard-of\r\nput 0 0 10 1\r\nxyz\r\nwatch a\r\nreserve\r\n"
                        + "delete 1\r\nreserve-with-timeout 0\r\nput x\r\nlist-tube-used\r\n"
                )
                // "xyz" for a body of one byte: the line end is missing, and "\r\n" follows.
                try client.expect(
                    "USING a",
                    "INSERTED 1",
                    "UNKNOWN_COMMAND",
                    "EXPECTED_CRLF",
                    "UNKNOWN_COMMAND",
                    "WATCHING 2",
                    "RESERVED 1 3",
                    "abc",
                    "DELETED",
                    "TIMED_OUT",
                    "BAD_FORMAT",
                    "USING a"
                )
            }
        }

        @Test func `commands after a waiting reserve wait too`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.send("use a\r\nreserve\r\nuse b\r\nput 0 0 10 1\r\nx\r\nreserve-with-timeout 0\r\n")
                try client.expect("USING a")
                try eventually("the client waits") { try other.statistics("stats")["current-waiting"] == "1" }
                #expect(try other.list("list-tubes") == ["default", "a"])
                #expect(try other.statistics("stats")["cmd-put"] == "0")
                try other.put("first")
                try client.expect("RESERVED 1 5", "first", "USING b", "INSERTED 2", "TIMED_OUT")
            }
        }

        @Test func `several reserves may be sent ahead`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.send("reserve\r\nreserve\r\nreserve\r\n")
                for number in 1...3 {
                    try other.put("\(number)")
                    #expect(try client.task("RESERVED").body == "\(number)")
                }
            }
        }

        @Test func `thousands of puts sent ahead are all answered, in order`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let count = 5_000
                try client.send((1...count).map { "put 0 0 10 \("\($0)".count)\r\n\($0)\r\n" }.joined())
                for number in 1...count { try client.expect("INSERTED \(number)") }
                try client.send((1...count).map { "reserve\r\ndelete \($0)\r\n" }.joined())
                for number in 1...count {
                    #expect(try client.task("RESERVED") == ReceivedTask(id: number, body: "\(number)"))
                    try client.expect("DELETED")
                }
            }
        }

        @Test func `commands before quit are answered, and those after it are not`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.send("use a\r\nput 0 0 10 1\r\na\r\nquit\r\nput 0 0 10 1\r\nb\r\n")
                try client.expect("USING a", "INSERTED 1")
                client.expectClosed()
                #expect(try other.statistics("stats-tube a")["total-jobs"] == "1")
            }
        }

        @Test func `commands sent before the client closed its half are answered`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("use a\r\nput 0 0 10 1\r\na\r\nlist-tube-used\r\n")
                client.closeSending()
                try client.expect("USING a", "INSERTED 1", "USING a")
                client.expectClosed()
            }
        }

        @Test func `a reserve that waits gets TIMED_OUT when the client closes its half`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.send("reserve\r\n")
                try eventually("the client waits") { try other.statistics("stats")["current-waiting"] == "1" }
                client.closeSending()
                try client.expect("TIMED_OUT")
                client.expectClosed()
                #expect(try other.statistics("stats")["current-waiting"] == "0")
            }
        }

        @Test func `a client that leaves while it waits gets no task`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.send("reserve\r\n")
                try eventually("the client waits") { try other.statistics("stats")["current-waiting"] == "1" }
                client.close()
                try eventually("the client has gone") { try other.statistics("stats")["current-waiting"] == "0" }
                try other.put("a")
                #expect(try other.reserve().id == 1)
                #expect(try other.statistics("stats-job 1")["reserves"] == "1")
            }
        }

        @Test func `a client that does not read delays no other client`() throws {
            try TestBed.with { bed in
                let (slow, other) = (try bed.connect(), try bed.connect())
                let body = String(repeating: "x", count: 60_000)
                try slow.put(body)
                // Sixty megabytes of answers: more than the buffers of a socket hold.
                try slow.send(String(repeating: "peek 1\r\n", count: 1_000))
                for number in 2...50 { #expect(try other.put("a") == number) }
                for _ in 1...1_000 { #expect(try slow.task("FOUND").body.utf8.count == 60_000) }
            }
        }
    }
}
