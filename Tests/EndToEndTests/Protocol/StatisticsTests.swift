import Foundation
import Testing

extension ProtocolTests {
    /// "Other Commands": `stats`, `stats-job` and `stats-tube`.
    ///
    /// The answers have all keys of beanstalkd, in its order, since dashboards and exporters need them.
    @Suite struct StatisticsCommands {
        @Test func `stats-job has all keys in order`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", priority: 5, delay: 0, timeToRun: 7)
                let data = try client.data("stats-job 1").asSince13
                #expect(
                    data == """
                        ---
                        id: 1
                        tube: "default"
                        state: ready
                        pri: 5
                        age: 0
                        delay: 0
                        ttr: 7
                        time-left: 0
                        file: 0
                        reserves: 0
                        timeouts: 0
                        releases: 0
                        buries: 0
                        kicks: 0

                        """
                )
                try client.ask("stats-job 2", "NOT_FOUND")
            }
        }

        @Test func `stats-job counts what happens to a task`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                for _ in 1...3 {
                    try client.reserve()
                    try client.ask("release 1 0 0", "RELEASED")
                }
                for _ in 1...2 {
                    try client.reserve()
                    try client.ask("bury 1 0", "BURIED")
                    try client.ask("kick-job 1", "KICKED")
                }
                let job = try client.statistics("stats-job 1")
                #expect(job["reserves"] == "5")
                #expect(job["releases"] == "3")
                #expect(job["buries"] == "2")
                #expect(job["kicks"] == "2")
                #expect(job["timeouts"] == "0")
            }
        }

        @Test func `time-left counts down for reserved and delayed tasks`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", timeToRun: 1000)
                try client.put("b", delay: 2000)
                #expect(try client.statistics("stats-job 1")[number: "time-left"] == 0)
                try client.reserve()
                let claimed = try #require(try client.statistics("stats-job 1")[number: "time-left"])
                #expect((900...1000).contains(claimed))
                let delayed = try #require(try client.statistics("stats-job 2")[number: "time-left"])
                #expect((1900...2000).contains(delayed))
            }
        }

        @Test func `stats-tube has all keys in order`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let expected = """
                    ---
                    name: "default"
                    current-jobs-urgent: 0
                    current-jobs-ready: 0
                    current-jobs-reserved: 0
                    current-jobs-delayed: 0
                    current-jobs-buried: 0
                    total-jobs: 0
                    current-using: 1
                    current-watching: 1
                    current-waiting: 0
                    cmd-delete: 0
                    cmd-pause-tube: 0
                    pause: 0
                    pause-time-left: 0

                    """
                let data = try client.data("stats-tube default").asSince13
                // The keys that Beanrow adds come after those of beanstalkd.
                #expect(data == expected + (TestSettings.isBeanrow ? "oldest-pending-age: 0\n" : ""))
                try client.ask("stats-tube unheard-of", "NOT_FOUND")
            }
        }

        @Test func `stats-tube counts tasks by state`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("a")
                try client.put("elsewhere")
                try client.use("default")
                for _ in 1...2 { try client.put("claimed", priority: 0) }
                for _ in 1...3 { try client.put("buried", priority: 1) }
                for _ in 1...4 { try client.put("urgent", priority: 1023) }
                for _ in 1...5 { try client.put("not urgent", priority: 1024) }
                for _ in 1...6 { try client.put("delayed", delay: 1000) }
                for _ in 1...7 { try client.ask("delete \(client.put("deleted"))", "DELETED") }
                for _ in 1...2 { try client.reserve() }
                for _ in 1...3 { try client.ask("bury \(client.reserve().id) 0", "BURIED") }
                let tube = try client.statistics("stats-tube default")
                #expect(tube["current-jobs-urgent"] == "4")
                #expect(tube["current-jobs-ready"] == "9")
                #expect(tube["current-jobs-reserved"] == "2")
                #expect(tube["current-jobs-delayed"] == "6")
                #expect(tube["current-jobs-buried"] == "3")
                #expect(tube["total-jobs"] == "27")
                #expect(tube["cmd-delete"] == "7")
                let all = try client.statistics("stats")
                #expect(all["current-jobs-urgent"] == "5")
                #expect(all["current-jobs-ready"] == "10")
                #expect(all["current-jobs-reserved"] == "2")
                #expect(all["current-jobs-delayed"] == "6")
                #expect(all["current-jobs-buried"] == "3")
                #expect(all["total-jobs"] == "28")
                #expect(all["current-tubes"] == "2")
            }
        }

        @Test func `stats-tube counts clients that use, watch and wait`() throws {
            try TestBed.with { bed in
                let (client, other, waiting) = (try bed.connect(), try bed.connect(), try bed.connect())
                try client.use("a")
                try other.use("a")
                try waiting.watchOnly("a")
                try waiting.send("reserve\r\n")
                try eventually("waiting") { try client.statistics("stats-tube a")["current-waiting"] == "1" }
                let tube = try client.statistics("stats-tube a")
                #expect(tube["current-using"] == "2")
                #expect(tube["current-watching"] == "1")
                let standard = try client.statistics("stats-tube default")
                #expect(standard["current-using"] == "1")
                #expect(standard["current-watching"] == "2")
                #expect(standard["current-waiting"] == "0")
                waiting.close()
                try eventually("gone") { try client.statistics("stats-tube a")["current-waiting"] == "0" }
                #expect(try client.statistics("stats-tube a")["current-watching"] == "0")
            }
        }

        @Test func `stats has all keys in order`() throws {
            try TestBed.with { bed in
                let stats = try bed.connect().statistics("stats")
                #expect(
                    stats.keys == [
                        "current-jobs-urgent", "current-jobs-ready", "current-jobs-reserved", "current-jobs-delayed",
                        "current-jobs-buried", "cmd-put", "cmd-peek", "cmd-peek-ready", "cmd-peek-delayed",
                        "cmd-peek-buried", "cmd-reserve", "cmd-reserve-with-timeout", "cmd-delete", "cmd-release",
                        "cmd-use", "cmd-watch", "cmd-ignore", "cmd-bury", "cmd-kick", "cmd-touch", "cmd-stats",
                        "cmd-stats-job", "cmd-stats-tube", "cmd-list-tubes", "cmd-list-tube-used",
                        "cmd-list-tubes-watched", "cmd-pause-tube", "job-timeouts", "total-jobs", "max-job-size",
                        "current-tubes", "current-connections", "current-producers", "current-workers",
                        "current-waiting", "total-connections", "pid", "version", "rusage-utime", "rusage-stime",
                        "uptime", "binlog-oldest-index", "binlog-current-index", "binlog-records-migrated",
                        "binlog-records-written", "binlog-max-size", "draining", "id", "hostname", "os", "platform",
                    ] + (TestSettings.isBeanrow ? ["memory-held", "max-memory", "unauthorized"] : [])
                )
                #expect(stats["pid"] == String(bed.managers[0].process.id))
                #expect(stats["max-job-size"] == "65535")
                #expect(stats["draining"] == "false")
                #expect(stats["rusage-utime"]?.wholeMatch(of: /\d+\.\d{6}/) != nil)
                #expect(stats["id"]?.wholeMatch(of: /[0-9a-f]{16}/) != nil)
                for key in ["version", "hostname", "os", "platform"] {
                    #expect(stats[key]?.isEmpty == false, "\(key)")
                }
            }
        }

        @Test func `stats counts commands`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                try client.put("b")
                _ = try client.peek("peek 1")
                for command in ["peek-ready", "peek-delayed", "peek-buried"] { _ = try client.peek(command) }
                try client.reserve()
                _ = try client.reserveNow()
                try client.ask("touch 1", "TOUCHED")
                try client.ask("release 1 0 0", "RELEASED")
                try client.ask("bury 1 0", "NOT_FOUND")
                try client.ask("kick 1", "KICKED 0")
                try client.use("u")
                try client.ask("watch w", "WATCHING 2")
                try client.ask("ignore w", "WATCHING 1")
                try client.ask("delete 1", "DELETED")
                try client.ask("delete 100", "NOT_FOUND")
                try client.ask("delete x", "BAD_FORMAT")
                try client.ask("pause-tube default 0", "PAUSED")
                _ = try client.statistics("stats-job 2")
                _ = try client.statistics("stats-tube default")
                _ = try client.list("list-tubes")
                _ = try client.list("list-tubes-watched")
                try client.ask("list-tube-used", "USING u")
                let stats = try client.statistics("stats")
                let counts = stats.keys.filter { $0.hasPrefix("cmd-") }.map { "\($0.dropFirst(4)) \(stats[$0] ?? "")" }
                #expect(
                    counts == [
                        "put 2", "peek 1", "peek-ready 1", "peek-delayed 1", "peek-buried 1", "reserve 1",
                        "reserve-with-timeout 1", "delete 2", "release 1", "use 1", "watch 1", "ignore 1", "bury 1",
                        "kick 1", "touch 1", "stats 1", "stats-job 1", "stats-tube 1", "list-tubes 1",
                        "list-tube-used 1", "list-tubes-watched 1", "pause-tube 1",
                    ]
                )
            }
        }

        @Test func `stats counts connections by what they have done`() throws {
            try TestBed.with { bed in
                let before = try bed.connect().statistics("stats")
                let total = try #require(before[number: "total-connections"])
                let (looking, producing, working) = (try bed.connect(), try bed.connect(), try bed.connect())
                try producing.put("a")
                try working.reserve()
                try eventually("the first has gone") {
                    try looking.statistics("stats")["current-connections"] == "3"
                }
                let stats = try looking.statistics("stats")
                #expect(stats["current-producers"] == "1")
                #expect(stats["current-workers"] == "1")
                #expect(stats[number: "total-connections"] == total + 3)
                producing.close()
                working.close()
                try eventually("the others have gone") {
                    let stats = try looking.statistics("stats")
                    return stats["current-connections"] == "1" && stats["current-producers"] == "0"
                        && stats["current-workers"] == "0"
                }
            }
        }

        @Test func `stats counts timeouts`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.put("a", timeToRun: 1)
                try client.reserve()
                try other.reserve()
                #expect(try client.statistics("stats")["job-timeouts"] == "1")
            }
        }
    }
}

extension String {
    /// Returns the YAML with quoted names, as beanstalkd writes it since 1.13.
    ///
    /// Debian's 1.12 does not quote them.
    fileprivate var asSince13: String {
        TestSettings.isBeanrow ? self : replacing(/(name|tube): (\w+)\n/) { "\($0.1): \"\($0.2)\"\n" }
    }
}
