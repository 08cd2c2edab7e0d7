import Foundation
import Glibc
import SeededRandom
import Testing

/// Every task is picked up by exactly one consumer, through any manager, and even if managers are killed.
@Suite(.alone, .tags(.long))
struct ExactlyOnceTests {
    private let managers = 3
    private let producers = 8
    private let consumers = 8

    @Test func `each id and each body exactly once, through three managers`() throws {
        try TestBed.with(managers: managers) { bed in
            let history = History()
            let load = Load(bed: bed, history: history)
            try run(load, tasks: TestSettings.tasks)
            print("exactly once: \(history.summary)")
            #expect(history.putCount == TestSettings.tasks)
            expectNoViolations(history, claimsBreak: false)
            try expectEmptyAndWhole(bed)
        }
    }

    @Test func `the real producers and consumers pick up each task exactly once`() throws {
        try TestBed.with(managers: managers) { bed in
            let share = TestSettings.tasks / producers
            let tubes = ["red", "green", "blue", "grey"]
            let consumers = try (0..<consumers)
                .map { number in
                    try bed.start(
                        Executables.consumer,
                        ["--managers", bed.addresses]
                            + ["--pick", number.isMultiple(of: 2) ? "random" : "round-robin"]
                            + tubes.flatMap { ["--tube", $0] }
                    )
                }
            let producers = try (0..<producers)
                .map { number in
                    let file = bed.path("lines-\(number)")
                    let lines = (0..<share).map { "producer \(number) line \($0)\n" }.joined()
                    try lines.write(toFile: file, atomically: false, encoding: .utf8)
                    return try bed.start(
                        Executables.producer,
                        ["--managers", bed.addresses, "--tube", tubes[number % tubes.count], "--print-ids"],
                        input: .file(file)
                    )
                }
            for producer in producers {
                #expect(try producer.waitForEnd(timeout: .seconds(600)) == .exited(0), "\(producer.errors.text)")
            }
            let ids = producers.flatMap { $0.output.lines }
            #expect(ids.count == share * producers.count)
            #expect(Set(ids).count == ids.count, "an id was used twice")

            try eventually("all tasks are printed", timeout: .seconds(600)) {
                consumers.map(\.output.count).reduce(0, +) >= share * producers.count
            }
            // A body is printed before its task is deleted, so the last deletes may be missing.
            let client = try bed.connect()
            try eventually("all tasks are deleted") {
                let stats = try client.statistics("stats")
                return ["ready", "reserved", "delayed", "buried"].allSatisfy { stats["current-jobs-\($0)"] == "0" }
            }
            for consumer in consumers {
                consumer.signal(SIGTERM)
                _ = try consumer.waitForEnd()
            }
            let expected = (0..<producers.count)
                .flatMap { number in
                    (0..<share).map { "producer \(number) line \($0)" }
                }
            let printed = consumers.flatMap(\.output.lines)
            #expect(printed.count == expected.count)
            #expect(Set(printed) == Set(expected))
            #expect(consumers.allSatisfy { $0.output.count > 0 }, "a consumer got nothing")
            try expectEmptyAndWhole(bed)
        }
    }

    @Test(.enabled(if: TestSettings.isBeanrow, "what beanstalkd holds dies with it"))
    func `no task is lost, put twice or claimed twice while managers are killed and restarted`() throws {
        try TestBed.with(managers: managers, fixedPorts: true) { bed in
            let history = History()
            let load = Load(bed: bed, history: history, window: 8)
            var random = SeededGenerator(seed: TestSeed.current)
            try run(load, tasks: TestSettings.chaosTasks, leaves: 200) { isOver in
                var kills = 0
                while !isOver() || kills < TestSettings.chaosKills {
                    let index = Int.random(in: 0..<managers, using: &random)
                    history.willKill(bed.managers[index].process.id)
                    bed.managers[index].kill()
                    usleep(UInt32.random(in: 0..<400_000, using: &random))
                    try bed.restartManager(index)
                    usleep(UInt32.random(in: 0..<600_000, using: &random))
                    kills += 1
                }
            }
            print("chaos: \(history.summary)")
            #expect(history.putCount >= TestSettings.chaosTasks)
            expectNoViolations(history, claimsBreak: true)
            try expectEmptyAndWhole(bed)
        }
    }

    /// Runs producers and consumers until all tasks are deleted.
    private func run(
        _ load: Load,
        tasks: Int,
        leaves: Int = 0,
        during: (_ isOver: () -> Bool) throws -> Void = { _ in }
    ) throws {
        let (producing, consuming) = (Workers(), Workers())
        defer {
            // Also if the test fails, so that no client continues to run.
            load.stop()
            _ = producing.wait(timeout: TestSettings.patience)
            _ = consuming.wait(timeout: TestSettings.patience)
        }
        for number in 0..<producers {
            let share = tasks / producers + (number < tasks % producers ? 1 : 0)
            producing.start { load.produce(producer: number, count: share, seed: TestSeed.current &+ UInt64(number)) }
        }
        for number in 0..<consumers {
            consuming.start {
                load.consume(consumer: number, leaves: leaves, seed: TestSeed.current &+ UInt64(100 + number))
            }
        }
        try during { producing.wait(timeout: .zero) }
        try #require(producing.wait(timeout: .seconds(600)), "the producers are not done: \(load.errors)")
        try waitUntilEmpty(load.bed)
        load.stop()
        try #require(consuming.wait(timeout: .seconds(600)), "the consumers are not done: \(load.errors)")
        #expect(load.errors == [])
    }

    /// Waits until no task is left.
    private func waitUntilEmpty(_ bed: TestBed) throws {
        let client = try bed.connect()
        try eventually("all tasks are deleted", timeout: .seconds(600)) {
            let stats = try client.statistics("stats")
            return ["ready", "reserved", "delayed", "buried"].allSatisfy { stats["current-jobs-\($0)"] == "0" }
        }
    }

    private func expectNoViolations(_ history: History, claimsBreak: Bool) {
        let violations = history.violations(claimsBreak: claimsBreak)
        #expect(
            violations.isEmpty,
            """
            BEANROW_TEST_SEED=\(TestSeed.current), \(violations.count) violations, such as
            \(violations.prefix(20).joined(separator: "\n"))
            """
        )
    }

    /// Checks that the database has no tasks, that its counts are right, and that SQLite finds no damage.
    private func expectEmptyAndWhole(_ bed: TestBed) throws {
        guard TestSettings.isBeanrow else { return }
        #expect(try bed.sql("SELECT count(*) FROM task;") == "0")
        try bed.expectCountsToBeRight()
    }
}

extension Tag {
    /// Marks tests that take long.
    @Tag static var long: Self
}
