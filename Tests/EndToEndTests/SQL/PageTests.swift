import Foundation
import Testing

extension SQLTests {
    /// docs/sql.md is right: its queries work and its tables are complete.
    @Suite struct PageTests {
        @Test func `every reading query works beside managers`() throws {
            let blocks = Page.blocks("sql", in: "Looking")
            try #require(blocks.count > 10)
            try TestBed.with(managers: 2) { bed in
                let population = try Population(bed)
                for block in blocks {
                    let result = try bed.inspect(block.code)
                    try #require(result.end == .exited(0), "\(block.testDescription): \(result.errors)")
                    try expectShape(of: result.output, in: block)
                }
                withExtendedLifetime(population) {}
                try bed.expectCountsToBeRight()
            }
        }

        @Test(arguments: Page.blocks("sql", in: "Changing")) func `every query for changing works beside managers`(
            block: Page.Block
        ) throws {
            try TestBed.with(managers: 2) { bed in
                let population = try Population(bed)
                let before = try everything(bed)
                let result = try bed.inspect(block.code, write: true)
                try #require(result.end == .exited(0), "\(result.errors)")
                try expectShape(of: result.output, in: block)
                #expect(try everything(bed) != before, "the statement changes nothing")
                try expectHealth(bed)
                withExtendedLifetime(population) {}
            }
        }

        @Test(arguments: Page.blocks("sh", in: "Looking") + Page.blocks("sh", in: "Changing"))
        func `every command works beside managers`(block: Page.Block) throws {
            try TestBed.with(managers: 2) { bed in
                let population = try Population(bed)
                let tasks = try bed.sql("SELECT count(*) FROM task;")
                let result = try bed.shell(block.code)
                #expect(result.end == .exited(0), "\(result.errors)")
                if block.section == "Changing" {
                    #expect(try bed.sql("SELECT pending FROM tube WHERE name = 'mail';") == "0")
                } else {
                    #expect(try bed.sql("SELECT count(*) FROM task;") == tasks)
                    try expectBackup(bed, tasks: tasks)
                }
                try expectHealth(bed)
                withExtendedLifetime(population) {}
            }
        }

        /// The tables that a query may read completely without a remark, since they stay small.
        private static let small: Set<Substring> = [
            "clock", "first", "tube", "manager", "session", "tube_user", "earlier", "(subquery-7)", "sqlite_sequence",
            // The view as a temporary table, with the rows that are about to be changed.
            "task",
        ]

        @Test func `only queries that read every task are marked as such`() throws {
            let blocks = Page.blocks("sql", in: "Looking") + Page.blocks("sql", in: "Changing")
            var reading: [Bool] = []
            try TestBed.with { bed in
                for block in blocks {
                    let plan = try bed.inspect(".eqp trigger\n" + block.code, write: true)
                    try #require(plan.end == .exited(0), "\(block.testDescription): \(plan.errors)")
                    try #require(plan.output.contains("QUERY PLAN") || block.code.contains("VALUES"))
                    let scans = plan.output.split(separator: "\n")
                        .filter { line in
                            let words = line.drop { "|`- ".contains($0) }.split(separator: " ")
                            guard words.first == "SCAN", words.count > 1 else { return false }
                            // There are few claims, and they have their own index.
                            if line.contains("CONSTANT ROW") || line.hasSuffix("USING INDEX task_claimed") {
                                return false
                            }
                            return !Self.small.contains(words[1])
                        }
                    reading.append(!scans.isEmpty)
                    if !block.prose.contains("reads every task") {
                        #expect(scans == [], "\(block.testDescription)")
                    }
                }
            }
            let said = Set(blocks.filter { $0.prose.contains("reads every task") }.map(\.heading))
            let done = Set(zip(blocks, reading).filter(\.1).map(\.0.heading))
            #expect(done == said)
        }

        @Test func `the page lists the columns of every view`() throws {
            let page = try Page()
            try #require(page.columns.count > 5)
            try TestBed.with { bed in
                for described in page.columns {
                    let columns = try bed.sql("SELECT name FROM pragma_table_info('\(described.view)');")
                    #expect(
                        described.names.sorted() == columns.split(separator: "\n").map(String.init).sorted(),
                        "\(described.view)"
                    )
                }
                let views = try bed.sql("SELECT name FROM sqlite_schema WHERE type = 'view' AND name <> 'tube_unused';")
                let described = page.columns.map(\.view) + ["clock"]
                #expect(Set(views.split(separator: "\n").map(String.init)) == Set(described))
            }
        }

        /// Checks that the output has the columns that the page shows, and rows if the page shows some.
        private func expectShape(of output: String, in block: Page.Block) throws {
            guard let shown = block.shown else { return }
            let (expected, found) = (Boxes(shown), Boxes(output))
            try #require(!expected.headers.isEmpty, "\(block.testDescription): no table is shown")
            // An empty result has no header.
            if expected.rows.allSatisfy({ $0 == 0 }), found.headers.isEmpty { return }
            #expect(found.headers == expected.headers, "\(block.testDescription)")
            for (shown, found) in zip(expected.rows, found.rows) where shown > 0 {
                #expect(found > 0, "\(block.testDescription)")
            }
        }

        /// Returns everything that a statement may change.
        private func everything(_ bed: TestBed) throws -> String {
            try bed.sql("SELECT * FROM task; SELECT * FROM tube;")
        }

        /// Checks that the managers still serve the tasks of the database.
        private func expectHealth(_ bed: TestBed) throws {
            try bed.expectCountsToBeRight()
            for index in 0...1 {
                let client = try bed.connect(index)
                try client.use("health-\(index)")
                try client.put("well")
                try client.watchOnly("health-\(index)")
                #expect(try client.reserve().body == "well")
            }
        }

        /// Checks that the directory has a backup that a manager accepts, and that only its owner can read it.
        private func expectBackup(_ bed: TestBed, tasks: String) throws {
            let name = try #require(
                try FileManager.default.contentsOfDirectory(atPath: bed.directory.path)
                    .first { $0.hasSuffix("backup.db") }
            )
            let mode = try FileManager.default.attributesOfItem(atPath: bed.path(name))[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let manager = try ManagerProcess(database: bed.path(name), name: "restored")
            defer { manager.kill() }
            let statistics = try manager.connect().statistics("stats")
            let counts = ["ready", "reserved", "delayed", "buried"]
                .compactMap { statistics[number: "current-jobs-\($0)"] }
            #expect(counts.reduce(0, +) == Int(tasks))
            // No connection has the claims of the copy. All but those of the named session are pending.
            #expect(statistics[number: "current-jobs-reserved"] == 1)
            try manager.stop()
        }
    }
}
