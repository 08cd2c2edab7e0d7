import BeanrowClient
import Foundation
import SeededRandom
import Testing

extension ExtensionTests {
    /// Producers that lose their connections at random moments.
    @Suite struct LostConnections {
        @Test(.tags(.long))
        func `clients that continue after a lost connection put each body once`() async throws {
            try await TestBed.with(managers: 3) { bed in
                let proxies = try Self.proxies(bed, longest: 20_000)
                defer { for proxy in proxies { proxy.close() } }
                let (producers, each) = (6, 400)
                let addresses = proxies.map { ManagerAddress(host: "127.0.0.1", port: $0.port) }
                let tubes = [TubeName("red"), TubeName("green")].compactMap { $0 }
                let tasks = (0..<producers)
                    .map { producer in
                        Task {
                            var options = BeanrowClient.Options()
                            options.failoverTimeout = .seconds(120)
                            options.backoff = ExponentialBackoff(first: .milliseconds(1), limit: .milliseconds(20))
                            options.selection = ManagerSelection.allCases[producer % ManagerSelection.allCases.count]
                            let client = BeanrowClient(managers: addresses, options: options)
                            var ids: [String: TaskID] = [:]
                            var random = SeededGenerator(seed: TestSeed.current &+ UInt64(1_000 + producer))
                            var number = 0
                            while number < each {
                                let count = min(Int.random(in: 1...40, using: &random), each - number)
                                let tasks = (number..<(number + count))
                                    .map {
                                        NewTask(
                                            tube: tubes[$0 % 7 == 0 ? 1 : 0],
                                            priority: 0,
                                            delay: 0,
                                            timeToRun: 60,
                                            body: Array("p\(producer)-\($0)".utf8)
                                        )
                                    }
                                for (task, result) in zip(tasks, await client.put(tasks)) {
                                    ids[String(decoding: task.body, as: UTF8.self)] = try result.get()
                                }
                                number += count
                            }
                            await client.close()
                            return ids
                        }
                    }
                var ids: [String: TaskID] = [:]
                for task in tasks { ids.merge(try await task.value) { one, _ in one } }
                try Self.expectEachOnce(bed, proxies, bodies: ids.keys.sorted())
                #expect(ids.count == producers * each)
                let found = try bed.sql("SELECT CAST(body AS TEXT) || ' ' || id FROM task ORDER BY 1;")
                // The id in the answer is that of the task in the database.
                #expect(found.split(separator: "\n").map(String.init) == ids.map { "\($0) \($1)" }.sorted())
            }
        }

        @Test(.tags(.long)) func `the producer puts each line once`() throws {
            try TestBed.with(managers: 3) { bed in
                // It sends 128 puts at a time. Most connections must last for these and some of their answers.
                let proxies = try Self.proxies(bed, longest: 300_000)
                defer { for proxy in proxies { proxy.close() } }
                let each = 3_000
                let producers = try (0..<3)
                    .map { number in
                        let file = bed.path("lines-\(number)")
                        let lines = (0..<each).map { "producer \(number) line \($0)\n" }.joined()
                        try lines.write(toFile: file, atomically: false, encoding: .utf8)
                        return try bed.start(
                            Executables.producer,
                            ["--managers", proxies.map(\.address).joined(separator: ","), "--print-ids"]
                                + ["--connect-timeout", "120"],
                            input: .file(file)
                        )
                    }
                for producer in producers {
                    #expect(try producer.waitForEnd(timeout: .seconds(600)) == .exited(0), "\(producer.errors.text)")
                }
                let bodies = (0..<3).flatMap { number in (0..<each).map { "producer \(number) line \($0)" } }
                try Self.expectEachOnce(bed, proxies, bodies: bodies)
                let ids = producers.flatMap { $0.output.lines }
                #expect(ids.count == bodies.count)
                let found = try bed.sql("SELECT id FROM task ORDER BY id;").split(separator: "\n").map(String.init)
                #expect(found == ids.sorted { (Int($0) ?? 0) < (Int($1) ?? 0) })
            }
        }

        /// Starts one proxy for each manager.
        private static func proxies(_ bed: TestBed, longest: Int) throws -> [CuttingProxy] {
            try bed.managers.enumerated()
                .map { index, manager in
                    try CuttingProxy(to: manager.port, longest: longest, seed: TestSeed.current &+ UInt64(index))
                }
        }

        private static func expectEachOnce(_ bed: TestBed, _ proxies: [CuttingProxy], bodies: [String]) throws {
            let cuts = proxies.map(\.cuts).reduce(0, +)
            print("lost connections: \(bodies.count) bodies, \(cuts) connections cut")
            #expect(cuts > 10, "too few connections were cut")
            let found = try bed.sql("SELECT CAST(body AS TEXT) FROM task;").split(separator: "\n").map(String.init)
            let (missing, foreign) = (Set(bodies).subtracting(found), Set(found).subtracting(bodies))
            #expect(missing.isEmpty, "BEANROW_TEST_SEED=\(TestSeed.current)")
            #expect(foreign.isEmpty, "BEANROW_TEST_SEED=\(TestSeed.current)")
            #expect(found.count == bodies.count, "put twice, BEANROW_TEST_SEED=\(TestSeed.current)")
            try bed.expectCountsToBeRight()
        }
    }
}
