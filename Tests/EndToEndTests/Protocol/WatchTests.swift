import Testing

extension ProtocolTests {
    /// "Worker Commands": `watch` and `ignore`; "Other Commands": the lists of tubes.
    @Suite struct Watch {
        @Test func `watch counts the tubes on the list`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("watch a", "WATCHING 2")
                try client.ask("watch b", "WATCHING 3")
                try client.ask("watch a", "WATCHING 3")
                #expect(try client.list("list-tubes-watched") == ["default", "a", "b"])
            }
        }

        @Test func `ignore removes a tube from the list`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("watch a", "WATCHING 2")
                try client.ask("ignore default", "WATCHING 1")
                #expect(try client.list("list-tubes-watched") == ["a"])
                try client.ask("ignore unheard-of", "WATCHING 1")
            }
        }

        @Test func `the last tube cannot be ignored`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("ignore default", "NOT_IGNORED")
                #expect(try client.list("list-tubes-watched") == ["default"])
            }
        }

        @Test func `when a tube leaves the list, the last one takes its place`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                for (number, tube) in ["a", "b", "c"].enumerated() {
                    try client.ask("watch \(tube)", "WATCHING \(number + 2)")
                }
                try client.ask("ignore a", "WATCHING 3")
                #expect(try client.list("list-tubes-watched") == ["default", "c", "b"])
            }
        }

        @Test func `the list is YAML`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.ask("watch w", "WATCHING 2")
                #expect(try client.data("list-tubes-watched") == "---\n- default\n- w\n")
            }
        }

        @Test func `a tube exists while it is used or watched`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let other = try bed.connect()
                try client.ask("watch w", "WATCHING 2")
                try client.use("u")
                #expect(try other.list("list-tubes") == ["default", "w", "u"])
                try client.use("default")
                #expect(try other.list("list-tubes") == ["default", "w"])
                try client.ask("ignore w", "WATCHING 1")
                #expect(try other.list("list-tubes") == ["default"])
            }
        }

        @Test func `a tube exists while it has tasks`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.use("a")
                try client.put("ready")
                try client.use("b")
                try client.put("delayed", delay: 1000)
                try client.use("default")
                #expect(try client.list("list-tubes") == ["default", "a", "b"])
                try client.ask("delete 1", "DELETED")
                #expect(try client.list("list-tubes") == ["default", "b"])
                try client.ask("stats-tube a", "NOT_FOUND")
                try client.ask("delete 2", "DELETED")
                #expect(try client.list("list-tubes") == ["default"])
            }
        }

        @Test func `a tube is removed when the last client that uses or watches it leaves`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.use("u")
                try client.ask("watch w", "WATCHING 2")
                #expect(try other.list("list-tubes").sorted() == ["default", "u", "w"])
                client.close()
                try eventually("the tubes do not exist any more") { try other.list("list-tubes") == ["default"] }
            }
        }

        @Test func `in the list of all tubes, too, the last one takes the place of a removed one`() throws {
            try TestBed.with { bed in
                let (client, other) = (try bed.connect(), try bed.connect())
                try client.use("a")
                try other.ask("watch b", "WATCHING 2")
                try other.ask("watch c", "WATCHING 3")
                #expect(try other.list("list-tubes") == ["default", "a", "b", "c"])
                try client.use("default")
                #expect(try other.list("list-tubes") == ["default", "c", "b"])
            }
        }
    }
}
