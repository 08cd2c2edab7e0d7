import Synchronization
import Testing

/// A session that several connections attach.
extension ExtensionTests.Session {
    @Test(arguments: [0, 1]) func `attaching the session displaces the other connection`(index: Int) throws {
        try TestBed.with(managers: 2) { bed in
            let (a, b) = (try bed.connect(0), try bed.connect(index))
            try a.put("held")
            try a.put("ready")
            try a.attach("worker")
            try a.reserve()
            #expect(try b.attach("worker") == 1)
            for command in [
                "reserve", "reserve-with-timeout 0", "reserve-with-timeout 10", "reserve-job 2", "delete 1",
                "release 1 0 0", "bury 1 0", "touch 1",
            ] {
                try a.ask(command, "SESSION_TAKEN")
            }
            try a.send("reserve\r\nreserve\r\ntouch 1\r\n")
            try a.expect("SESSION_TAKEN", "SESSION_TAKEN", "SESSION_TAKEN")
            // All other commands work.
            #expect(try a.put("more") == 3)
            #expect(try a.peek("peek 1")?.body == "held")
            #expect(try a.statistics("stats-job 1")["reserves"] == "1")
            try a.ask("watch other", "WATCHING 2")
            try b.ask("touch 1", "TOUCHED")

            // And back again.
            #expect(try a.attach("worker") == 1)
            try b.ask("delete 1", "SESSION_TAKEN")
            try a.ask("delete 1", "DELETED")
            // Attaching another session also makes the connection usable again.
            #expect(try b.attach("another") == 0)
            #expect(try b.reserve().id == 2)
        }
    }

    @Test(arguments: [0, 1]) func `a waiting reserve ends when another connection attaches the session`(index: Int)
        throws
    {
        try TestBed.with(managers: 2) { bed in
            let (a, b) = (try bed.connect(0), try bed.connect(index))
            try a.attach("worker")
            try a.send("reserve\r\n")
            try eventually("it waits") { try bed.connect(0).statistics("stats")["current-waiting"] == "1" }
            #expect(try b.attach("worker") == 0)
            try a.expect("SESSION_TAKEN")
            try b.put("x")
            #expect(try b.reserve().body == "x")
        }
    }

    @Test func `a task that a displaced connection waited for goes to the next waiting client`() throws {
        try TestBed.with(managers: 2) { bed in
            let (a, b, c) = (try bed.connect(0), try bed.connect(1), try bed.connect(0))
            let looking = try bed.connect(0)
            func waiting() throws -> Int? { try looking.statistics("stats")[number: "current-waiting"] }
            try a.attach("worker")
            // In both orders, c gets the task and a gets SESSION_TAKEN: the call of the other manager first, or the
            // task first.
            for number in 1...20 {
                try a.send("reserve\r\n")
                try eventually("a waits") { try waiting() == 1 }
                try c.send("reserve\r\n")
                try eventually("c waits too") { try waiting() == 2 }
                try b.attach("worker")
                try looking.put("\(number)")
                #expect(try c.task("RESERVED") == ReceivedTask(id: number, body: "\(number)"))
                try a.expect("SESSION_TAKEN")
                try a.attach("worker")
            }
        }
    }

    @Test(arguments: [0, 1], ["close", "quit"])
    func `a displaced connection releases nothing when it ends`(index: Int, way: String) throws {
        try TestBed.with(managers: 2) { bed in
            let (a, b) = (try bed.connect(0), try bed.connect(index))
            try a.put("x")
            try a.attach("worker")
            try a.reserve()
            try b.attach("worker")
            if way == "quit" {
                try a.send("quit\r\n")
                a.expectClosed()
            } else {
                try bed.drop(a, of: 0)
            }
            #expect(try bed.connect(1).reserveNow() == nil)
            #expect(try b.attach("worker") == 1)
            try b.ask("delete 1", "DELETED")
        }
    }

    @Test func `if many connections attach it at the same time, one has it`() throws {
        try TestBed.with(managers: 3) { bed in
            let first = try bed.connect()
            for number in 1...20 {
                try first.put("\(number)")
                try first.attach("worker-\(number)")
                try first.reserve()
            }
            let answers = Mutex<[Int: [String]]>([:])
            let workers = Workers()
            for thread in 0..<9 {
                let client = try bed.connect(thread % 3)
                workers.start {
                    for number in 1...20 {
                        let answer = try? [client.ask("session worker-\(number)"), client.ask("delete \(number)")]
                        answers.withLock { $0[number, default: []].append(answer?.last ?? "no answer") }
                    }
                }
            }
            try #require(workers.wait(timeout: TestSettings.patience))
            for (number, answers) in answers.withLock({ $0 }) {
                // A connection that came late finds no claims, and a displaced one gets SESSION_TAKEN.
                let known: Set = ["DELETED", "SESSION_TAKEN", "NOT_FOUND"]
                #expect(known.isSuperset(of: answers), "\(number): \(answers)")
                #expect(answers.count { $0 == "DELETED" } == 1, "\(number): \(answers)")
            }
        }
    }
}
