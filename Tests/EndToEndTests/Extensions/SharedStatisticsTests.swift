import Testing

extension ExtensionTests {
    /// `oldest-pending-age`, and the statistics of all managers.
    @Suite struct SharedStatistics {
        @Test func `the age of the oldest ready task is the last key of stats-tube`() throws {
            try TestBed.with(managers: 2) { bed in
                let (a, b) = (try bed.connect(0), try bed.connect(1))
                func age(_ client: BeanstalkSocket) throws -> Int? {
                    let stats = try client.statistics("stats-tube default")
                    #expect(stats.keys.last == "oldest-pending-age")
                    #expect(stats.keys.count { $0 == "oldest-pending-age" } == 1)
                    return stats[number: "oldest-pending-age"]
                }
                #expect(try age(a) == 0)
                try a.put("delayed", delay: 100_000)
                let before = ContinuousClock.now
                try a.put("less urgent, older", priority: 9)
                try eventually("it is two seconds old") { try age(b) == 2 }
                #expect(ContinuousClock.now - before >= .milliseconds(1_950))
                try b.put("more urgent, younger", priority: 1)
                #expect(try #require(try age(a)) >= 2)
                // Claiming the younger one changes nothing. Tasks in other states do not count.
                #expect(try a.reserve().body == "more urgent, younger")
                #expect(try #require(try age(b)) >= 2)
                try b.reserve()
                for client in [a, b] { #expect(try age(client) == 0) }
                try b.ask("bury 2 0", "BURIED")
                #expect(try age(a) == 0)
                try a.ask("kick 1", "KICKED 1")
                #expect(try #require(try age(b)) >= 2)
            }
        }

        @Test func `tubes and task counts are those of all managers`() throws {
            try TestBed.with(managers: 3) { bed in
                let clients = try (0..<3).map { try bed.connect($0) }
                for (index, client) in clients.enumerated() {
                    try client.use("used-\(index)")
                    try client.ask("watch watched-\(index)", "WATCHING 2")
                    try client.put("ready")
                    try client.put("urgent", priority: 1_024)
                    try client.put("delayed", delay: 100_000)
                    try client.ask("watch used-\(index)", "WATCHING 3")
                    try client.reserve()
                }
                for client in clients {
                    let names = (0..<3).flatMap { ["used-\($0)", "watched-\($0)"] }
                    #expect(try client.list("list-tubes").sorted() == (["default"] + names).sorted())
                    let stats = try client.statistics("stats")
                    let keys = ["urgent", "ready", "reserved", "delayed", "buried"].map { "current-jobs-\($0)" }
                    #expect(keys.map { stats[$0] } == ["0", "3", "3", "3", "0"])
                    #expect([stats["total-jobs"], stats["current-tubes"]] == ["9", "7"])
                    // Per process, as docs/protocol.md says.
                    #expect([stats["cmd-put"], stats["current-connections"]] == ["3", "1"])
                }
            }
        }
    }
}
