import Testing

extension ProtocolTests {
    /// "Worker Commands": `reserve`, `reserve-with-timeout` and `reserve-job`.
    @Suite struct Reserve {
        @Test func `the smallest priority comes first, and within one priority the oldest`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for (body, priority) in [("c", 5), ("d", 5), ("a", 0), ("f", 4_294_967_295), ("b", 1), ("e", 5)] {
                    try client.put(body, priority: UInt32(priority))
                }
                #expect(try (0..<6).map { _ in try client.reserve().body } == ["a", "b", "c", "d", "e", "f"])
            }
        }

        @Test func `the order holds for all watched tubes`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("abc")
                try client.put("one", priority: 999_999)
                try client.use("def")
                try client.put("two", priority: 99)
                try client.put("three", priority: 999_999)
                try client.ask("watch abc", "WATCHING 2")
                try client.ask("watch def", "WATCHING 3")
                #expect(try (0..<3).map { _ in try client.reserve().body } == ["two", "one", "three"])
            }
        }

        @Test func `tasks come only from watched tubes`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("elsewhere")
                try client.put("a")
                #expect(try client.reserveNow() == nil)
                try client.ask("watch elsewhere", "WATCHING 2")
                #expect(try client.reserve().body == "a")
            }
        }

        @Test func `a task is handed to one client only`() throws {
            try TestBed.with { bed in
                let (first, second) = (try bed.connect(), try bed.connect())
                try first.put("a")
                #expect(try first.reserve().id == 1)
                #expect(try second.reserveNow() == nil)
                #expect(try first.statistics("stats-job 1")["state"] == "reserved")
            }
        }

        @Test func `a waiting client gets the task that is put`() throws {
            try TestBed.with { bed in
                let (consumer, producer) = (try bed.connect(), try bed.connect())
                try consumer.send("reserve\r\n")
                try eventually("the client waits") { try producer.statistics("stats")["current-waiting"] == "1" }
                #expect(try producer.put("a") == 1)
                #expect(try consumer.task("RESERVED") == ReceivedTask(id: 1, body: "a"))
                #expect(try producer.statistics("stats")["current-waiting"] == "0")
            }
        }

        @Test func `waiting clients are served in the order in which they came`() throws {
            // There is no order between lanes, and none between managers.
            try TestBed.with(options: TestSettings.server == nil ? [] : ["--lanes", "1"]) { bed in
                let producer = try bed.connect()
                let consumers = try wait(2, at: bed, seenBy: producer)
                for (number, consumer) in consumers.enumerated() {
                    try producer.put("task \(number)")
                    #expect(try consumer.task("RESERVED").body == "task \(number)")
                }
            }
        }

        @Test func `each waiting client gets one task`() throws {
            try TestBed.with { bed in
                let producer = try bed.connect()
                let consumers = try wait(4, at: bed, seenBy: producer)
                for number in 1...4 { #expect(try producer.put("a") == number) }
                #expect(try consumers.map { try $0.task("RESERVED").id }.sorted() == [1, 2, 3, 4])
            }
        }

        /// Connects clients one after the other, each of which waits for a task.
        private func wait(_ count: Int, at bed: TestBed, seenBy other: BeanstalkSocket) throws -> [BeanstalkSocket] {
            try (1...count)
                .map { number in
                    let consumer = try bed.connect()
                    try consumer.send("reserve\r\n")
                    try eventually("\(number) wait") { try other.statistics("stats")["current-waiting"] == "\(number)" }
                    return consumer
                }
        }

        @Test func `a waiting client gets a task that is released, kicked or no longer delayed`() throws {
            try TestBed.with { bed in
                let (consumer, other) = (try bed.connect(), try bed.connect())
                func waits() throws {
                    try consumer.send("reserve\r\n")
                    try eventually("the client waits") { try other.statistics("stats")["current-waiting"] == "1" }
                }
                try other.put("a")
                try other.reserve()
                try waits()
                try other.ask("release 1 0 0", "RELEASED")
                #expect(try consumer.task("RESERVED").id == 1)

                try consumer.ask("bury 1 0", "BURIED")
                try waits()
                try other.ask("kick 1", "KICKED 1")
                #expect(try consumer.task("RESERVED").id == 1)

                try consumer.ask("release 1 0 1", "RELEASED")
                try waits()
                #expect(try consumer.task("RESERVED").id == 1)
            }
        }

        @Test func `a timeout of zero answers at once`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("reserve-with-timeout 0", "TIMED_OUT")
                try client.put("a")
                try client.ask("reserve-with-timeout 0", "RESERVED 1 1")
                try client.expect("a")
            }
        }

        @Test func `a timeout ends the wait, and not earlier`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let start = ContinuousClock.now
                try client.ask("reserve-with-timeout 1", "TIMED_OUT")
                #expect(ContinuousClock.now - start >= .milliseconds(990))
                #expect(try client.statistics("stats")["current-waiting"] == "0")
            }
        }

        @Test func `a timeout may be 2³¹−1 seconds`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a")
                try client.ask("reserve-with-timeout 2147483647", "RESERVED 1 1")
                try client.expect("a")
            }
        }

        @Test func `a task is ready again when its time to run is over`() throws {
            try TestBed.with { bed in
                let (slow, other) = (try bed.connect(), try bed.connect())
                try slow.put("a", timeToRun: 1)
                #expect(try slow.reserve().id == 1)
                #expect(try other.reserve().id == 1)
                let job = try other.statistics("stats-job 1")
                #expect(job["timeouts"] == "1")
                #expect(job["reserves"] == "2")
                try slow.ask("delete 1", "NOT_FOUND")
                try slow.ask("release 1 0 0", "NOT_FOUND")
                try slow.ask("bury 1 0", "NOT_FOUND")
                try slow.ask("touch 1", "NOT_FOUND")
                try other.ask("touch 1", "TOUCHED")
            }
        }

        @Test func `in a claim's last second reserve answers DEADLINE_SOON`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", timeToRun: 1)
                try client.reserve()
                try client.ask("reserve", "DEADLINE_SOON")
                try client.ask("reserve-with-timeout 5", "DEADLINE_SOON")
                try client.ask("reserve-with-timeout 0", "DEADLINE_SOON")
            }
        }

        @Test func `a waiting client gets DEADLINE_SOON when the last second of its claim begins`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", timeToRun: 2)
                try client.reserve()
                try client.ask("reserve", "DEADLINE_SOON")
                #expect(try client.statistics("stats")["current-waiting"] == "0")
            }
        }

        @Test func `with another task ready there is no DEADLINE_SOON`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", timeToRun: 1)
                try client.put("b", timeToRun: 600)
                #expect(try client.reserve().body == "a")
                #expect(try client.reserve().body == "b")
            }
        }

        @Test func `reserve-job takes a ready, a delayed and a buried task`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("ready")
                try client.put("delayed", delay: 1000)
                try client.put("buried")
                try client.send("reserve-job 3\r\n")
                #expect(try client.task("RESERVED").body == "buried")
                try client.ask("bury 3 0", "BURIED")
                for (id, body) in [(2, "delayed"), (3, "buried"), (1, "ready")] {
                    try client.send("reserve-job \(id)\r\n")
                    #expect(try client.task("RESERVED") == ReceivedTask(id: id, body: body))
                    #expect(try client.statistics("stats-job \(id)")["state"] == "reserved")
                }
                try client.ask("release 2 1 0", "RELEASED")
                #expect(try client.statistics("stats-job 2")["state"] == "ready")
            }
        }

        @Test func `reserve-job ignores the watch list`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("elsewhere")
                try client.put("a")
                try client.send("reserve-job 1\r\n")
                #expect(try client.task("RESERVED").body == "a")
            }
        }

        @Test func `reserve-job finds no reserved and no missing task`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.put("a")
                try client.reserve()
                try client.ask("reserve-job 1", "NOT_FOUND")
                try other.ask("reserve-job 1", "NOT_FOUND")
                try client.ask("reserve-job 2", "NOT_FOUND")
            }
        }

        @Test func `a task reserved with reserve-job has its time to run`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("a", delay: 1000, timeToRun: 1)
                try client.send("reserve-job 1\r\n")
                try client.task("RESERVED")
                try client.ask("reserve-with-timeout 1", "DEADLINE_SOON")
                try eventually("ready") { try client.statistics("stats-job 1")["state"] == "ready" }
            }
        }
    }
}
