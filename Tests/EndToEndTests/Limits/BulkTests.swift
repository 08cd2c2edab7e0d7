import Testing

/// Commands on very many tasks run in steps, and many waiting clients cost the others nothing.
@Suite(.enabled(if: TestSettings.isBeanrow)) struct BulkTests {
    private static let count = 2_500

    /// Runs with a client that has claimed or buried a number of tasks.
    private func fill(_ client: BeanstalkSocket, timeToRun: Int = 600, burying: Bool = false) throws {
        try client.send(String(repeating: "put 5 0 \(timeToRun) 1\r\nx\r\n", count: Self.count))
        for _ in 1...Self.count { _ = try client.line() }
        try client.send(String(repeating: "reserve-with-timeout 0\r\n", count: Self.count))
        var tasks: [Int] = []
        for _ in 1...Self.count { tasks.append(try client.task("RESERVED").id) }
        guard burying else { return }
        try client.send(tasks.map { "bury \($0) 5\r\n" }.joined())
        for _ in tasks { try client.expect("BURIED") }
    }

    private func counts(_ client: BeanstalkSocket) throws -> [Int?] {
        let statistics = try client.statistics("stats-tube default")
        return ["ready", "reserved", "buried"].map { statistics[number: "current-jobs-\($0)"] }
    }

    @Test func `a kick of all tasks is answered once, and others are served during this time`() throws {
        try TestBed.with(managers: 2) { bed in
            let (client, other, peer) = (try bed.connect(), try bed.connect(), try bed.connect(1))
            try fill(client, burying: true)
            try client.send("kick 4294967295\r\nlist-tube-used\r\n")
            for _ in 1...20 {
                try other.put("a", delay: 600)
                try peer.put("a", delay: 600)
            }
            try client.expect("KICKED \(Self.count)")
            try client.expect("USING default")
            #expect(try counts(peer) == [Self.count, 0, 0])
            #expect(
                try client.statistics("stats-tube default")["current-jobs-delayed"] == "40",
                "the delayed tasks stay"
            )
            try bed.expectCountsToBeRight()
        }
    }

    @Test func `all tasks of a client that leaves are released, and a waiting client gets one at once`() throws {
        try TestBed.with(managers: 2) { bed in
            let (client, other, peer) = (try bed.connect(), try bed.connect(), try bed.connect(1))
            try fill(client)
            try other.send("reserve\r\n")
            try peer.send("reserve\r\n")
            client.abort()
            _ = try other.task("RESERVED")
            _ = try peer.task("RESERVED")
            try eventually("all tasks are pending again") { try counts(peer) == [Self.count - 2, 2, 0] }
            try bed.expectCountsToBeRight()
        }
    }

    @Test func `all tasks whose time to run is over are released`() throws {
        try TestBed.with { bed in
            let (client, other) = (try bed.connect(), try bed.connect())
            try fill(client, timeToRun: 1)
            try eventually("all tasks are pending again") { try counts(other) == [Self.count, 0, 0] }
            #expect(try other.statistics("stats")["job-timeouts"] == "\(Self.count)")
            try bed.expectCountsToBeRight()
        }
    }

    @Test func `a manager that stops, and one that is killed, release all tasks of their clients`() throws {
        try TestBed.with(managers: 2) { bed in
            let (client, peer) = (try bed.connect(), try bed.connect(1))
            try fill(client)
            bed.managers[0].kill()
            try eventually("all tasks are pending again") { try counts(peer) == [Self.count, 0, 0] }
            try bed.expectCountsToBeRight()
        }
    }

    @Test func `each of many clients that wait for their own tubes gets the task that is put there`() throws {
        try TestBed.with(managers: 2) { bed in
            let waiting = try (0..<300)
                .map { number in
                    let client = try bed.connect(number % 2)
                    try client.watchOnly("t\(number)")
                    try client.send("reserve\r\n")
                    return client
                }
            let putting = try (0..<2).map { try bed.connect($0) }
            for number in [0, 1, 150, 151, 298, 299] {
                try putting[number / 2 % 2].use("t\(number)")
                try putting[number / 2 % 2].put("for \(number)")
                #expect(try waiting[number].task("RESERVED").body == "for \(number)")
            }
            // Tasks that other programs insert are found too.
            try bed.sql("INSERT INTO task (tube, body) VALUES ('t77', 'by hand');")
            #expect(try waiting[77].task("RESERVED").body == "by hand")
        }
    }
}
