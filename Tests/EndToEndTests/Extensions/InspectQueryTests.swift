import BeanrowClient
import Foundation
import Testing

extension BeanstalkSocket {
    /// Asks `inspect`, and compares the document with the schema.
    func inspect(_ query: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let text = try data("inspect \(query)", sourceLocation: sourceLocation)
        let document = try JSONSerialization.jsonObject(with: Data(text.utf8))
        let what = query.split(separator: " ").first ?? ""
        let differences = try JSONSchema().differences(document, "document-\(what)")
        #expect(differences == [], "\(text)", sourceLocation: sourceLocation)
        return try #require(document as? [String: Any], sourceLocation: sourceLocation)
    }
}

extension ExtensionTests {
    /// `inspect`: the documents are as docs/json.md says.
    @Suite struct InspectQueries {
        private func rows(_ document: [String: Any], _ key: String) throws -> [[String: Any]] {
            try #require(document[key] as? [[String: Any]])
        }

        @Test func `each question is answered as the schema says, at each manager`() throws {
            try TestBed.with(managers: 3) { bed in
                let clients = try (0..<3).map { try bed.connect($0) }
                try clients[0].use("mail")
                try clients[0].put("a \"text\"\r\n\u{1b}[31m\u{2028}é")
                try clients[0].put("delayed", delay: 100_000)
                try clients[1].watchOnly("mail")
                try clients[1].ask("session secret-name", "SESSION 0")
                let held = try clients[1].reserve()
                try clients[2].use("film")
                try clients[2].put(String(repeating: "x", count: 300))
                for client in clients {
                    let managers = try rows(try client.inspect("managers"), "managers")
                    #expect(Set(managers.compactMap { $0["name"] as? String }) == ["m1", "m2", "m3"])
                    #expect(
                        managers.allSatisfy { $0["told_to_drain"] as? Bool == false && $0["host"] as? String != "" }
                    )
                    let tubes = try rows(try client.inspect("tubes"), "tubes")
                    #expect(tubes.map { $0["name"] as? String } == ["default", "film", "mail"])
                    #expect(tubes[2]["claimed"] as? Int == 1)
                    #expect(tubes[0]["oldest_pending_age_seconds"] is NSNull)
                    _ = try client.inspect("tube name=mail")
                    let tasks = try rows(try client.inspect("tasks"), "tasks")
                    #expect(tasks.map { $0["state"] as? String } == ["claimed", "delayed", "pending"])
                    #expect(tasks[0]["body_start"] as? String == held.body)
                    #expect((tasks[2]["body_start"] as? String)?.count == 200)
                    let claims = try rows(try client.inspect("claims manager=m2"), "claims")
                    #expect(claims.map { $0["id"] as? Int } == [1])
                    let sessions = try rows(try client.inspect("sessions"), "sessions")
                    #expect(sessions.map { $0["manager"] as? String } == ["m2"])
                    #expect(try !client.data("inspect sessions").contains("secret"))
                    let store = try client.inspect("store")["store"] as? [String: Any]
                    #expect(store?["total_tasks"] as? Int == 3)
                    try client.ask("inspect tube name=none", "NOT_FOUND")
                    try client.ask("inspect task id=99", "NOT_FOUND")
                }
            }
        }

        @Test func `any bytes of a body are in the document, as text or in base64`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                let bodies: [[UInt8]] = [
                    [], Array(0...255), [0xC3], [0xED, 0xA0, 0x80], Array("é\u{0}\"\\\u{7f}\u{85}</script>".utf8),
                    Array(String(repeating: "é", count: 150).utf8), Array(String(repeating: "a€", count: 60).utf8),
                ]
                for body in bodies {
                    try client.send("put 1 0 60 \(body.count)\r\n")
                    try client.send(body + [13, 10])
                    #expect(try client.line().hasPrefix("INSERTED "))
                }
                let tasks = try rows(try client.inspect("tasks"), "tasks")
                for (index, body) in bodies.enumerated() {
                    let document = try client.inspect("task id=\(index + 1) body=1")["task"] as? [String: Any]
                    let task = try #require(document)
                    let text = (task["body"] as? String).map { Array($0.utf8) }
                    let decoded = (task["body_base64"] as? String).flatMap { Data(base64Encoded: $0) }.map { Array($0) }
                    #expect(text ?? decoded == body)
                    #expect((text != nil) == (String(validating: body, as: UTF8.self) != nil))
                    #expect(task["body_bytes"] as? Int == body.count)
                    let start =
                        (tasks[index]["body_start"] as? String).map { Array($0.utf8) }
                        ?? (tasks[index]["body_start_base64"] as? String).flatMap { Data(base64Encoded: $0) }
                        .map { Array($0) }
                    let length = try #require(start).count
                    #expect(start == Array(body.prefix(length)))
                    #expect(length > min(body.count, 200) - 4)
                }
            }
        }

        @Test func `pages have each task that stays exactly once, while others come and go`() throws {
            try TestBed.with(managers: 2) { bed in
                let (client, other) = (try bed.connect(0), try bed.connect(1))
                try other.use("mail")
                for number in 1...120 { try other.put("\(number)", priority: UInt32(number % 7)) }
                var (seen, after, pages) = ([Int](), "", 0)
                while pages < 100 {
                    let page = try client.inspect("tasks tube=mail limit=7\(after)")
                    seen += try rows(page, "tasks").compactMap { $0["id"] as? Int }
                    pages += 1
                    #expect((page["complete"] as? Bool) == (page["next"] is NSNull))
                    guard let next = page["next"] as? String else { break }
                    after = " after=\(next)"
                    // Tasks behind the key and before it, and the task of the key itself.
                    try other.ask("delete \(pages)", "DELETED")
                    try other.put("new", priority: 0)
                    try other.ask("edit-job \(100 + pages) pri=0", "EDITED")
                }
                #expect(seen == seen.sorted())
                #expect(Set(seen).count == seen.count)
                #expect(Set(seen).isSuperset(of: (pages + 1)...120))
            }
        }

        @Test(
            arguments: [
                "inspect", "inspect ", "inspect x", "inspect tasks limit=0", "inspect tasks limit=1001",
                "inspect tasks limit=", "inspect tasks limit=1 limit=2", "inspect tasks tube=-x", "inspect tasks x=1",
                "inspect tasks =1", "inspect tasks state=gone", "inspect tasks after=x", "inspect tasks body-like=",
                "inspect tasks body-like=%", "inspect tasks body-like=%4", "inspect tasks body-like=%zz",
                "inspect tube",
                "inspect task", "inspect task id=-1", "inspect task id=1 body=2", "inspect managers limit=1",
                "inspect store x", "inspect claims manager=%0a", "inspect tubes after=%ff", "edit-job 1",
                "edit-job 1 x=1",
                "edit-job 1 pri=4294967296", "edit-job x pri=1", "move-job 1", "move-job 1 -x", "move-tube a b ready",
                "move-tube a b reserved 1", "move-tube a b ready x", "end-session", "end-session x", "break-claim x",
                "drain-manager ", "drain-manager %", "drain-manager a b", "undrain-manager %00",
            ]
        )
        func `bad input is refused, and changes nothing`(_ line: String) throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("x")
                let answer = try client.ask(line)
                #expect(answer == "BAD_FORMAT" || answer == "UNKNOWN_COMMAND")
                try client.ask("edit-job 1 pri=5", "EDITED")
                #expect(try client.statistics("stats-job 1")["pri"] == "5")
            }
        }

        @Test func `a line with options may have 1024 bytes`() throws {
            try TestBed.with { bed in
                let client = try bed.connect()
                try client.put("x")
                let line = "inspect tasks body-like="
                let most = line + String(repeating: "a", count: 1022 - line.utf8.count)
                #expect(try rows(try client.inspect(String(most.dropFirst("inspect ".count))), "tasks").isEmpty)
                try client.ask(most + "a", "BAD_FORMAT")
                try client.ask("peek " + String(repeating: " ", count: 230) + "1", "BAD_FORMAT")
                try client.ask("edit-job 1 pri=1", "EDITED")
            }
        }

        @Test func `the client reads what the documents say`() async throws {
            try await TestBed.with(managers: 2) { bed in
                let addresses = try #require(ManagerAddress.list(bed.addresses))
                let client = BeanrowClient(managers: addresses)
                let mail = try #require(TubeName("mail"))
                let id = try await client.put(Array("body".utf8), in: mail)
                let task = try #require(try await client.inspectTask(id, withBody: true))
                #expect(task.body == "body")
                #expect(try await client.inspectTasks(TaskFilter(tube: mail)).rows.map(\.id) == [id.rawValue])
                #expect(try await client.inspectTubes().rows.map(\.name).contains("mail"))
                #expect(try await client.inspectTube(mail)?.pending == 1)
                #expect(Set(try await client.inspectManagers().map(\.name)) == ["m1", "m2"])
                #expect(try await client.inspectStore().pending == 1)
                #expect(try await client.inspectClaims().rows.isEmpty)
                #expect(try await client.inspectSessions().next == nil)
                #expect(try await client.edit(id, TaskEdit(priority: 3)))
                #expect(try await client.move(id, to: .default))
                #expect(try await client.move(from: .default, to: mail, .pending, limit: 5) == 1)
                #expect(try await client.setDraining(manager: "m2", true))
                #expect(try await client.setDraining(manager: "m2", false))
                #expect(try await client.setDraining(manager: "m9", true) == false)
                #expect(try await client.breakClaim(id) == false)
                #expect(try await client.endSession(99) == false)
                await client.close()
            }
        }
    }
}
