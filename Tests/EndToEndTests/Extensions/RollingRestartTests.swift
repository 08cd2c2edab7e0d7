import BeanrowClient
import Foundation
import SeededRandom
import Synchronization
import Testing

extension ExtensionTests {
    /// Managers that are restarted one after the other, under load, with claims.
    ///
    /// Consumers bury each task. So all tasks exist at the end, with the number of times that they were claimed.
    @Suite struct RollingRestart {
        @Test(.tags(.long)) func `commands that run longer than all managers run once per task`() throws {
            try TestBed.with(managers: 3, fixedPorts: true) { bed in
                let gate = try Gate(path: bed.path("gate"))
                let (longOnes, perRound) = (12, 60)
                let feeding = try bed.start(
                    Executables.producer,
                    ["--managers", bed.addresses, "--tube", "short", "--ttr", "600", "--print-ids"]
                        + ["--connect-timeout", "60"],
                    input: .pipe
                )
                let client = try bed.connect()
                try client.use("long")
                for number in 0..<longOnes { try client.put("long \(number)") }
                func consumer(_ tube: String, concurrency: Int, _ wait: String) throws -> ChildProcess {
                    try bed.start(
                        Executables.consumer,
                        ["--managers", bed.addresses, "--tube", tube, "--concurrency", "\(concurrency)"]
                            + ["--max-attempts", "1", "--connect-timeout", "60", "--", "sh", "-c"]
                            + ["read body; echo \"$BEANROW_TASK_ID $BEANROW_ATTEMPT\"; \(wait) exit 1"]
                    )
                }
                let long = try (1...3)
                    .map { _ in try consumer("long", concurrency: longOnes / 3, "read x < '\(gate.path)';") }
                let short = try (1...3).map { _ in try consumer("short", concurrency: 3, "") }
                try eventually("all long commands run") { long.map(\.output.count).reduce(0, +) == longOnes }

                var lines = 0
                func feed() throws {
                    try feeding.write((lines..<(lines + perRound)).map { "short \($0)\n" }.joined())
                    lines += perRound
                }
                for (round, index) in [0, 1, 2, 1].enumerated() {
                    try feed()
                    // Some tasks were done since the last restart, and some are in progress.
                    try eventually("the work continues") {
                        short.map(\.output.count).reduce(0, +) > perRound * round
                    }
                    if round == 3 { bed.managers[index].kill() } else { try bed.managers[index].stop() }
                    try feed()
                    try bed.restartManager(index)
                }
                feeding.closeInput()
                #expect(try feeding.waitForEnd() == .exited(0), "\(feeding.errors.text)")
                try eventually("all short ones are done") {
                    try bed.sql("SELECT count(*) FROM task WHERE tube = 'short' AND state = 'buried';") == "\(lines)"
                }
                let query = "SELECT state, reserves, count(*) FROM task WHERE tube = 'long' GROUP BY 1, 2;"
                let inHand = try bed.sql(query)
                #expect(inHand == "claimed|1|\(longOnes)")
                try gate.open()
                try eventually("all long ones are done") {
                    try bed.sql("SELECT count(*) FROM task WHERE state = 'buried';") == "\(lines + longOnes)"
                }
                for consumer in long + short {
                    consumer.signal(SIGTERM)
                    #expect(try consumer.waitForEnd() == .exited(0), "\(consumer.errors.text)")
                }
                let ids = try bed.sql("SELECT id FROM task ORDER BY id;").split(separator: "\n").compactMap { Int($0) }
                let runs = (long + short).flatMap(\.output.lines).map { $0.split(separator: " ") }
                #expect(runs.compactMap { $0.first.flatMap { Int($0) } }.sorted() == ids)
                #expect(Set(feeding.output.lines).count == lines)
                try bed.expectOnePickupEach(exceptUnseen: true)
                print("rolling restart: \(longOnes) long and \(lines) short commands, 3 × SIGTERM, 1 × SIGKILL")
            }
        }

        enum Way: String, CaseIterable { case stopped, killed }

        @Test(.tags(.long), arguments: Way.allCases)
        func `clients keep their claims, and claim each task once`(way: Way) async throws {
            try await TestBed.with(managers: 3, fixedPorts: true) { bed in
                let managers = bed.managers.map { ManagerAddress(host: "127.0.0.1", port: $0.port) }
                var options = BeanrowClient.Options()
                options.failoverTimeout = .seconds(60)
                options.backoff = ExponentialBackoff(first: .milliseconds(5), limit: .milliseconds(100))
                options.selection = .roundRobin
                let holder = BeanrowClient(managers: managers, options: options)
                let load = ClientLoad(managers: managers, options: options)
                let held = try await load.fill(TubeName("held"), count: 30)
                var claims: [Claim] = []
                while claims.count < held { claims += try await holder.reserve(upTo: 7, from: load.tubes("held")) }
                let producers = (0..<3).map { number in Task { try await load.produce(number) } }
                let consumers = (0..<4).map { number in Task { try await load.consume(number) } }

                for index in 0..<3 {
                    let before = load.done
                    try eventually("the work continues") { load.done >= before + 50 }
                    if way == .killed { bed.managers[index].kill() } else { try bed.managers[index].stop() }
                    let without = load.done
                    try eventually("the work continues without it") { load.done >= without + 50 }
                    try bed.restartManager(index)
                    for claim in claims {
                        try await claim.touch()
                        #expect(try await claim.statistics().number("reserves") == 1)
                    }
                }
                load.stop()
                for producer in producers { try await producer.value }
                for consumer in consumers { try await consumer.value }
                for claim in claims { try await claim.bury(priority: 0) }
                await holder.close()

                let all = try bed.sql("SELECT count(*), count(*) FILTER (WHERE state = 'buried') FROM task;")
                #expect(all == "\(held + load.put)|\(held + load.put)")
                // No consumer got a task twice, and each task was claimed.
                #expect(load.handed.count == load.put)
                #expect(Set(load.handed).count == load.put)
                try bed.expectOnePickupEach(exceptUnseen: way == .killed)
                print("rolling restart, \(way): \(held) held throughout, \(load.put) put and taken")
            }
        }
    }
}

/// Producers and consumers in this process.
private final class ClientLoad: Sendable {
    private struct State {
        var handed: [TaskID] = []
        var done = 0
        var put = 0
        var isStopped = false
        var producing = 0
    }

    private let managers: [ManagerAddress]
    private let options: BeanrowClient.Options
    private let state = Mutex(State())

    init(managers: [ManagerAddress], options: BeanrowClient.Options) {
        self.managers = managers
        self.options = options
    }

    /// The number of tasks that were put.
    var put: Int { state.withLock { $0.put } }

    /// The number of tasks that were buried.
    var done: Int { state.withLock { $0.done } }

    /// The tasks that consumers got, in that order.
    var handed: [TaskID] { state.withLock { $0.handed } }

    func tubes(_ name: String) -> Set<TubeName> { Set([TubeName(name)].compactMap { $0 }) }

    /// Tells the producers to stop.
    ///
    /// The consumers stop when no task is left.
    func stop() { state.withLock { $0.isStopped = true } }

    /// Puts tasks that are not part of the load.
    func fill(_ tube: TubeName?, count: Int) async throws -> Int {
        let client = BeanrowClient(managers: managers, options: options)
        for number in 0..<count { try await client.put(Array("\(number)".utf8), in: tube ?? .default, timeToRun: 600) }
        await client.close()
        return count
    }

    /// Puts a few tasks at a time until it has to stop.
    func produce(_ number: Int) async throws {
        let client = BeanrowClient(managers: managers, options: options)
        state.withLock { $0.producing += 1 }
        defer { state.withLock { $0.producing -= 1 } }
        var random = SeededGenerator(seed: TestSeed.current &+ UInt64(number))
        while state.withLock({ !$0.isStopped }) {
            // The producers must not get far ahead of the consumers.
            guard state.withLock({ $0.put - $0.done < 200 }) else {
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            let tasks = (0..<Int.random(in: 1...8, using: &random))
                .map { _ in NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 600, body: [1]) }
            for result in await client.put(tasks) { _ = try result.get() }
            state.withLock { $0.put += tasks.count }
        }
        await client.close()
    }

    /// Claims tasks, one or some at a time, and buries them.
    func consume(_ number: Int) async throws {
        let client = BeanrowClient(managers: managers, options: options)
        while true {
            let isOver = state.withLock { $0.isStopped && $0.producing == 0 }
            let claims: [Claim]
            if number.isMultiple(of: 2) {
                claims = try await client.reserve(upTo: 5)
            } else {
                claims = try await client.reserve(timeout: .seconds(1)).map { [$0] } ?? []
            }
            if claims.isEmpty, isOver { break }
            state.withLock { $0.handed += claims.map(\.id) }
            for claim in claims {
                try await claim.bury(priority: 0)
                state.withLock { $0.done += 1 }
            }
        }
        await client.close()
    }
}

extension TestBed {
    /// Checks that each task was claimed once and then buried.
    ///
    /// If a manager was killed, tasks that it had claimed without sending the answer go back into the queue, and count.
    fileprivate func expectOnePickupEach(
        exceptUnseen: Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let odd = try sql(
            """
            SELECT id, tube, state, reserves, timeouts, releases, buries FROM task
            WHERE state <> 'buried' OR buries <> 1 OR timeouts <> 0 OR releases <> 0
                OR CASE WHEN \(exceptUnseen) AND tube <> 'long' AND tube <> 'held' THEN reserves < 1 ELSE reserves <> 1 END;
            """,
            sourceLocation: sourceLocation
        )
        #expect(odd == "", "BEANROW_TEST_SEED=\(TestSeed.current)", sourceLocation: sourceLocation)
        let more = try sql("SELECT count(*) FROM task WHERE reserves > 1;", sourceLocation: sourceLocation)
        print("picked up more than once, by the count: \(more)")
        try expectCountsToBeRight(sourceLocation: sourceLocation)
    }
}
