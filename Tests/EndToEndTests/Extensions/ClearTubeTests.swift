import Testing

extension ExtensionTests {
    /// `clear-tube`: deletes the tasks of a tube that are in one state.
    @Suite struct ClearTube {
        /// Puts tasks of all states into a tube: three ready, two delayed, two buried, and one that the client has
        /// claimed.
        private func fill(_ tube: String, _ client: BeanstalkSocket) throws {
            try client.use(tube)
            try client.ask("watch \(tube)", "WATCHING 2")
            for body in ["b1", "b2", "held"] { try client.put(body) }
            for body in ["b1", "b2"] {
                let task = try client.reserve()
                try #require(task.body == body)
                try client.ask("bury \(task.id) 5", "BURIED")
            }
            try client.reserve()
            for priority: UInt32 in [1, 5_000, 0] { try client.put("ready", priority: priority) }
            for delay: UInt32 in [100_000, 200_000] { try client.put("delayed", delay: delay) }
        }

        private func counts(_ tube: String, _ client: BeanstalkSocket) throws -> [String: Int] {
            let stats = try client.statistics("stats-tube \(tube)")
            return Dictionary(
                uniqueKeysWithValues: ["urgent", "ready", "reserved", "delayed", "buried"]
                    .map { ($0, stats[number: "current-jobs-\($0)"] ?? -1) }
            )
        }

        @Test(arguments: ["ready": 3, "delayed": 2, "buried": 2], [0, 1])
        func `it deletes only tasks in this state`(_ cleared: (key: String, value: Int), at: Int) throws {
            try TestBed.with(managers: 2) { bed in
                let (client, clearing) = (try bed.connect(0), try bed.connect(at))
                try fill("mail", client)
                try client.use("other")
                try client.put("elsewhere")
                var expected = try counts("mail", client)
                #expect(expected == ["urgent": 2, "ready": 3, "reserved": 1, "delayed": 2, "buried": 2])
                try clearing.ask("clear-tube mail \(cleared.key)", "CLEARED \(cleared.value)")
                expected[cleared.key] = 0
                if cleared.key == "ready" { expected["urgent"] = 0 }
                for client in [client, clearing] {
                    #expect(try counts("mail", client) == expected)
                    #expect(try client.statistics("stats-tube mail")["cmd-delete"] == "\(cleared.value)")
                    #expect(try client.statistics("stats-tube mail")["total-jobs"] == "8")
                }
                try clearing.ask("clear-tube mail \(cleared.key)", "CLEARED 0")
                #expect(try counts("other", client)["ready"] == 1)
                try client.ask("delete 3", "DELETED")
                let states = try bed.sql("SELECT DISTINCT state FROM task WHERE tube = 'mail' ORDER BY state;")
                let left = ["buried", "delayed", "ready"].filter { $0 != cleared.key }
                #expect(states.split(separator: "\n").map { $0 == "pending" ? "ready" : $0 } == left.map { $0[...] })
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `it does not delete claimed tasks`() throws {
            try TestBed.with { bed in
                let (client, clearing) = (try bed.connect(), try bed.connect())
                try client.put("held")
                try client.reserve()
                for state in ["ready", "delayed", "buried"] {
                    try clearing.ask("clear-tube default \(state)", "CLEARED 0")
                }
                try clearing.ask("clear-tube default reserved", "BAD_FORMAT")
                try client.ask("delete 1", "DELETED")
            }
        }

        @Test func `a missing tube is NOT_FOUND, and one that is only used or watched is empty`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                try a.ask("clear-tube mail ready", "NOT_FOUND")
                try b.use("mail")
                try b.ask("watch letters", "WATCHING 2")
                try a.ask("clear-tube mail ready", "CLEARED 0")
                try a.ask("clear-tube letters buried", "CLEARED 0")
                try a.ask("clear-tube default delayed", "CLEARED 0")
            }
        }

        @Test func `a tube that no client uses is removed with its last task`() throws {
            try TestBed.with { bed in
                let (client, clearing) = (try bed.connect(), try bed.connect())
                try client.use("mail")
                try client.put("a")
                try client.put("b", delay: 1_000)
                try client.use("default")
                try clearing.ask("clear-tube mail ready", "CLEARED 1")
                #expect(try clearing.list("list-tubes") == ["default", "mail"])
                try clearing.ask("clear-tube mail delayed", "CLEARED 1")
                #expect(try clearing.list("list-tubes") == ["default"])
                try clearing.ask("clear-tube mail delayed", "NOT_FOUND")
            }
        }

        @Test func `a malformed command gets BAD_FORMAT and clears nothing`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("x")
                let long = String(repeating: "0123456789", count: 20)
                for command in [
                    "clear-tube ", "clear-tube default", "clear-tube default ", "clear-tube  default ready",
                    "clear-tube default  ready", "clear-tube default ready ", "clear-tube default ready 1",
                    "clear-tube default claimed", "clear-tube default reserved", "clear-tube default pending",
                    "clear-tube default READY", "clear-tube -a ready", "clear-tube a! ready", "clear-tube ready",
                    "clear-tube \(long)z ready",
                ] {
                    try client.ask(command, "BAD_FORMAT")
                }
                for command in ["clear-tube", "clear default ready"] { try client.ask(command, "UNKNOWN_COMMAND") }
                try client.ask("clear-tube \(long) ready", "NOT_FOUND")
                #expect(try client.peek("peek-ready")?.body == "x")
            }
        }

        @Test func `commands after it are answered after it`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try bed.sql(Self.insertion(2_500))
                try client.use("large")
                try client.put("x")
                try client.send("clear-tube large ready\r\npeek-ready\r\nclear-tube large ready\r\nlist-tube-used\r\n")
                try client.expect("CLEARED 2501", "NOT_FOUND", "CLEARED 0", "USING large")
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: ["delayed", "buried"]) func `a command that needs several steps clears all tasks`(
            state: String
        )
            throws
        {
            try TestBed.with { bed in
                try bed.sql(Self.insertion(3_500, delay: state == "delayed" ? 100_000 : 0))
                if state == "buried" { try bed.sql("UPDATE task SET state = 'buried';") }
                try bed.connect().ask("clear-tube large \(state)", "CLEARED 3500")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `other clients are served while a large tube is cleared, at this manager and another`() throws {
            try TestBed.with(managers: 2) { bed in
                let count = 30_000
                let (clearing, others) = (try bed.connect(0), [try bed.connect(0), try bed.connect(1)])
                for (index, client) in others.enumerated() { try client.use("other-\(index)") }
                // The clients that were answered, after a put and a delete, while some of the tasks were deleted and
                // some were not.
                var servedInBetween: Set<Int> = []
                var rounds = 0
                // On a busy machine the command may end before the others have asked. Then it is tried again.
                while servedInBetween.count < 2, rounds < 20 {
                    rounds += 1
                    try bed.sql(Self.insertion(count))
                    try clearing.send("clear-tube large ready\r\n")
                    while !clearing.waitUntilReadable(milliseconds: 0) {
                        for (index, client) in others.enumerated() {
                            try client.ask("delete \(client.put("x"))", "DELETED")
                            try client.send("stats-tube large\r\n")
                            let left = try client.statisticsUnlessGone()?[number: "current-jobs-ready"] ?? 0
                            if (1..<count).contains(left) { servedInBetween.insert(index) }
                        }
                    }
                    try clearing.expect("CLEARED \(count)")
                }
                #expect(servedInBetween == [0, 1], "\(rounds) rounds")
                #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
                try bed.expectCountsToBeRight()
            }
        }

        @Test func `if the client leaves during the command, the other tasks stay`() throws {
            try TestBed.with { bed in
                let count = 20_000
                try bed.sql(Self.insertion(count))
                let (clearing, looking) = (try bed.connect(), try bed.connect())
                try looking.use("large")
                func left() throws -> Int? { try looking.statistics("stats-tube large")[number: "current-jobs-ready"] }
                try clearing.send("clear-tube large ready\r\n")
                try eventually("it has begun") { try left() != count }
                clearing.close()
                try eventually("the client has gone") {
                    try looking.statistics("stats")["current-connections"] == "1"
                }
                // The other tasks stay, and another client can clear them.
                let rest = try #require(try left())
                #expect(try left() == rest)
                try looking.ask("clear-tube large ready", "CLEARED \(rest)")
                try bed.expectCountsToBeRight()
            }
        }

        /// Returns SQL that fills the tube `large`.
        private static func insertion(_ count: Int, delay: Int = 0) -> String {
            """
            WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < \(count))
            INSERT INTO task (tube, body, delay) SELECT 'large', 'body ' || n, \(delay) FROM number;
            """
        }
    }
}

extension BeanstalkSocket {
    /// Receives the answer to `stats-tube`.
    ///
    /// Returns `nil` if there is no such tube.
    fileprivate func statisticsUnlessGone() throws -> Statistics? {
        let words = try line().split(separator: " ")
        guard words.count == 2, words[0] == "OK", let size = Int(words[1]) else {
            try #require(words == ["NOT_FOUND"])
            return nil
        }
        return try Statistics(String(decoding: receive(size + 2).dropLast(2), as: UTF8.self))
    }
}
