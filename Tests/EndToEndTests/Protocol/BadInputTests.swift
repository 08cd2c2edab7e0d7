import Testing

extension ProtocolTests {
    /// Wrong input: the client gets an error, and the connection stays usable.
    @Suite struct BadInput {
        /// Checks that each of these commands gets the same answer, and that a correct command works afterwards.
        private func expect(_ answer: String, to commands: [String]) throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for command in commands {
                    try client.ask(command, answer)
                    try client.ask("use still-there", "USING still-there")
                }
                #expect(try client.list("list-tubes").sorted() == ["default", "still-there"])
            }
        }

        @Test func `a wrong or too large number gets BAD_FORMAT`() throws {
            try expect(
                "BAD_FORMAT",
                to: [
                    "put -1 0 1 1", "put 4294967296 0 1 1", "put 0 -1 1 1", "put 0 4294967296 1 1",
                    "put 0 0 4294967296 1", "put 0 0 -1 1", "put 0 0 1 4294967296", "put 0 0 1 -1", "put a 0 1 1",
                    "put 0 0 1 1b", "put +1 0 1 1", "put 1.5 0 1 1", "put 0 0 1 --!@#$%^&&**()0b",
                    "delete ", "delete x", "delete 1x", "delete -1", "delete 0x1", "delete 18446744073709551616",
                    "delete 184467440737095516160000000000000000000000000000",
                    "peek x", "peek 1x", "peek 18446744073709551616",
                    "release x 1 1", "release 1 x 1", "release 1 1 x", "release 18446744073709551616 1 1",
                    "release 1 4294967296 1", "release 1 1 4294967296", "bury x 1", "bury 1 2x", "bury 1 4294967296",
                    "touch x", "touch 1x", "touch !@#!@#", "kick-job a1", "kick-job 1a", "reserve-job x",
                    "kick x", "stats-job 1x",
                    "pause-tube default x", "pause-tube default -1", "pause-tube default 4294967296",
                ]
            )
        }

        @Test(.enabled(if: TestSettings.isBeanrow, "beanstalkd before 1.13 accepts anything"))
        func `a timeout is a number up to 2³¹−1`() throws {
            try expect(
                "BAD_FORMAT",
                to: ["", "x", "x1", "-1", "2147483648", "4294967296"].map { "reserve-with-timeout \($0)" }
            )
        }

        @Test func `a missing or an extra argument gets BAD_FORMAT`() throws {
            try expect(
                "BAD_FORMAT",
                to: [
                    "put ", "put 0", "put 0 0", "put 0 0 1", "put 0 0 1 1 1", "release 1", "release 1 1",
                    "release 1 2 3 4", "bury 1", "bury 1 2 3", "delete 1 2", "touch 1 2", "peek 1 2", "stats-job 1 2",
                    "kick-job 1 2", "reserve-job 1 2", "kick ", "reserve now", "reserve ", "stats all",
                    "list-tubes x", "list-tube-used x", "list-tubes-watched x", "peek-ready 1", "peek-delayed 1",
                    "peek-buried 1", "pause-tube", "pause-tube default", "pause-tube default 1 2",
                ]
            )
        }

        @Test func `a wrong name gets BAD_FORMAT`() throws {
            try expect(
                "BAD_FORMAT",
                to: [
                    "use ", "use -a", "use a b", "use a!", "use a,b", "use ä", "use a\tb", "watch ", "watch -a",
                    "watch a b", "watch a:b", "stats-tube ", "stats-tube a b", "stats-tube !", "pause-tube a!b 1",
                    "pause-tube -a 1",
                ]
            )
        }

        @Test func `a line with a NUL gets BAD_FORMAT`() throws {
            try expect("BAD_FORMAT", to: ["use a\0b", "list-tubes\0", "\0", "unheard-of \0"])
        }

        @Test func `an unknown command gets UNKNOWN_COMMAND`() throws {
            try expect(
                "UNKNOWN_COMMAND",
                to: [
                    "", " ", "unheard-of", "unheard-of 1 2 3", "PUT 0 0 1 1", "Use a", " use a", "put", "delete", "use",
                    "watch", "peek", "touch", "kick", "session-less", "ä",
                ]
            )
        }

        @Test func `a line feed alone does not end a line`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("list-tube-used\nlist-tube-used\r\n")
                try client.expect("BAD_FORMAT")
                try client.ask("use a", "USING a")
            }
        }

        @Test func `a line of 224 bytes with its end is accepted`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("unheard-of".padding(to: 222), "UNKNOWN_COMMAND")
                try client.ask("use a".padding(to: 222), "BAD_FORMAT")
                try client.ask("use a", "USING a")
            }
        }

        @Test(.enabled(if: TestSettings.isBeanrow, "beanstalkd waits for more"))
        func `a line over 224 bytes gets BAD_FORMAT, even if it arrives as one piece`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for length in [223, 224, 225, 447, 448, 449, 5_000, 100_000] {
                    try client.ask("unheard-of".padding(to: length), "BAD_FORMAT")
                    try client.ask("use a", "USING a")
                }
            }
        }

        @Test func `a line over 224 bytes gets one BAD_FORMAT if its rest arrives later`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                for _ in 1...10 {
                    try client.send("put 0 0 1 1 ".padding(to: 50))
                    try other.ask("use b", "USING b")
                }
                try client.send("delete 1\r\n")
                try client.expect("BAD_FORMAT")
                #expect(try client.put("A") == 1)
            }
        }

        @Test func `the line end of a line that is too long may arrive in two pieces`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.send("unheard-of".padding(to: 300))
                try other.ask("use b", "USING b")
                try client.send("more\r")
                try other.ask("use b", "USING b")
                try client.send("\n")
                try client.expect("BAD_FORMAT")
                try client.ask("use a", "USING a")
            }
        }

        @Test func `a body that is too large is dropped and gets JOB_TOO_BIG`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("put 0 0 1 65536\r\n" + "delete 9999\r\n".padding(to: 65_536) + "\r\n")
                try client.send("put 0 0 1 1\r\nx\r\n")
                try client.expect("JOB_TOO_BIG", "INSERTED 1")
            }
        }

        @Test func `a body of many megabytes is dropped too`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let (piece, pieces) = ([UInt8](repeating: 0x61, count: 1 << 20), 64)
                try client.send("put 0 0 1 \(piece.count * pieces)\r\n")
                for _ in 1...pieces { try client.send(piece) }
                try client.send("\r\n")
                try client.expect("JOB_TOO_BIG")
                #expect(try client.put("a") == 1)
            }
        }

        @Test func `JOB_TOO_BIG is sent only after the body`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.send("put 0 0 1 70000\r\n" + "x".padding(to: 69_999))
                try other.ask("use b", "USING b")
                try client.send("y\r\nuse a\r\n")
                try client.expect("JOB_TOO_BIG", "USING a")
            }
        }

        @Test func `a body without its line end gets EXPECTED_CRLF and is not put`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.send("put 0 0 1 1\r\nxyz")
                try client.expect("EXPECTED_CRLF")
                try client.send("put 0 0 1 3\r\nabc\n\n")
                try client.expect("EXPECTED_CRLF")
                try client.send("put 0 0 1 3\r\nabc\r\r")
                try client.expect("EXPECTED_CRLF")
                #expect(try client.reserveNow() == nil)
                try client.ask("stats-job 1", "NOT_FOUND")
            }
        }

        @Test func `an incomplete command has no effect`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for unfinished in [
                    "put 0 0 1 1", "put 0 0 1 1\r\n", "put 0 0 1 4\r\nab", "put 0 0 1 1\r\na", "put 0 0 1 1\r\na\r",
                    "put 0 0 1 70000\r\nabc", "use lost", "use lost\r", "unheard-of".padding(to: 300),
                ] {
                    let leaving = try bed.connect()
                    try leaving.send(unfinished)
                    leaving.closeSending()
                    leaving.expectClosed()
                }
                #expect(try client.reserveNow() == nil)
                #expect(try client.list("list-tubes") == ["default"])
                #expect(try client.statistics("stats")["total-jobs"] == "0")
            }
        }

        @Test func `an id that does not exist gets NOT_FOUND`() throws {
            try expect(
                "NOT_FOUND",
                to: ["1", "0", "4294967296", "9223372036854775807", "9223372036854775808", "18446744073709551615"]
                    .flatMap { id in
                        [
                            "peek \(id)", "delete \(id)", "release \(id) 0 0", "bury \(id) 0", "touch \(id)",
                            "kick-job \(id)", "stats-job \(id)", "reserve-job \(id)",
                        ]
                    }
            )
        }
    }
}

extension String {
    /// Returns the text, filled up with letters to a number of bytes.
    fileprivate func padding(to length: Int) -> String {
        self + String(repeating: "x", count: length - utf8.count)
    }
}
