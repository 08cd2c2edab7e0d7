import CPlatform
import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// Bodies that are not what was put: no client ever receives them.
@Suite struct DamageTests {
    private let mail = TubeName("mail")!
    private let place: TemporaryStore
    private let store: SQLiteStore

    init() throws {
        place = try TemporaryStore()
        store = try place.open()
    }

    private func run(_ actions: [Action], after seconds: UInt32 = 0) throws -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        let now = Timestamp.start.adding(seconds: seconds)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: now)).outcomes
    }

    private func put(_ number: UInt8, delay: UInt32 = 0) -> Action {
        .put(NewTask(tube: mail, priority: 1, delay: delay, timeToRun: 60, body: [number, number, number]))
    }

    private func claimed(_ outcome: Outcome) -> [Int64] {
        guard case .claimed(let tasks) = outcome else { return [] }
        #expect(tasks.allSatisfy { $0.body == [UInt8](repeating: UInt8($0.id.rawValue), count: 3) })
        return tasks.map(\.id.rawValue)
    }

    private func id(_ number: Int64) -> TaskID { TaskID(rawValue: number) }

    private func damage(_ numbers: Int64...) throws {
        for number in numbers {
            try place.shell().execute("UPDATE task_body SET checksum = checksum + 1 WHERE id = \(number)")
        }
    }

    private func warnings() throws -> [String] { try store.maintain(at: .start).warnings }

    private let claim = Action.claim(tubes: [TubeName("mail")!], count: 1, waits: false)

    @Test func `a damaged task is buried and the others are claimed`() throws {
        _ = try run((1...20).map { put($0) })
        try damage(1, 5, 20)
        #expect(claimed(try run([claim])[0]) == [2])
        #expect(try warnings() == ["\(place.path): the body of task 1 is not what was put; the task is buried"])
        #expect(try warnings() == [])
        #expect(claimed(try run([.claim(tubes: [mail], count: 30, waits: false)])[0]) == [3, 4] + Array(6...19))
        try place.audit()
        #expect(try place.shell().rows("SELECT id FROM task WHERE state = 'buried'") == ["1", "5", "20"])
        #expect(
            try run([.peek(id(1)), .peekNext(mail, .buried), .claimTask(id(5))]) == [.damaged, .damaged, .damaged]
        )
        #expect(try run([.delete(id(1)), .peek(id(1))]) == [.deleted, .notFound])
        try store.leave()
    }

    @Test func `a consumer that deletes and claims in one batch gets the next tasks`() throws {
        _ = try run((1...9).map { put($0) })
        #expect(claimed(try run([.claim(tubes: [mail], count: 3, waits: false)])[0]) == [1, 2, 3])
        try damage(5)
        let outcomes = try run([.delete(id(1)), claim, .delete(id(2)), claim, .delete(id(3)), claim])
        #expect(outcomes.flatMap(claimed) == [4, 6, 7])
        #expect(outcomes.count { $0 == .deleted } == 3)
        try place.audit()
        try store.leave()
    }

    @Test func `a damaged task whose delay is over is buried too`() throws {
        _ = try run([put(1, delay: 5), put(2, delay: 5)])
        try damage(1)
        #expect(claimed(try run([claim], after: 6)[0]) == [2])
        try place.audit()
        try store.leave()
    }

    @Test func `a task that is damaged during its claim is not claimed again`() throws {
        _ = try run([put(1), put(2)])
        #expect(claimed(try run([claim])[0]) == [1])
        try damage(1)
        let outcomes = try run([.release(id(1), priority: 0, delay: 0), claim])
        #expect(outcomes[0] == .notFound)
        #expect(claimed(outcomes[1]) == [2])
        try place.audit()
        try store.leave()
    }

    @Test func `a batch that kicks and claims a damaged task fails, and no other batch does`() throws {
        _ = try run([put(1), put(2)])
        try damage(1)
        #expect(claimed(try run([claim])[0]) == [2])
        let error = #expect(throws: StoreError.self) { try run([.kickTask(id(1)), claim]) }
        #expect(error?.code == .failed)
        #expect(try run([.kickTask(id(1))]) == [.kicked(1)])
        #expect(claimed(try run([claim])[0]) == [])
        #expect(try run([put(3)]) == [.inserted(id(3))])
        try place.audit()
        try store.leave()
    }

    @Test func `a task without a body row is damaged, not empty`() throws {
        _ = try run([put(1), put(2), put(3)])
        let shell = try place.shell()
        try shell.execute("DROP TRIGGER task_body_kept; DELETE FROM task_body WHERE id < 3")
        #expect(claimed(try run([claim])[0]) == [3])
        #expect(try warnings().count == 2)
        try store.leave()
    }

    @Test func `a body that SQL has put or changed is not damaged`() throws {
        _ = try run([put(1), put(2)])
        let shell = try place.shell()
        try shell.execute("INSERT INTO task (tube, body, priority) VALUES ('mail', 'sql', 0)")
        try shell.execute("UPDATE task SET body = 'changed' WHERE id = 1")
        try shell.execute("UPDATE task_body SET body = x'00' WHERE id = 2")
        guard case .claimed(let tasks) = try run([.claim(tubes: [mail], count: 3, waits: false)])[0] else {
            throw StoreError(.failed, "nothing claimed")
        }
        #expect(tasks.map { String(decoding: $0.body, as: UTF8.self) } == ["sql", "changed", "\0"])
        try store.leave()
    }

    @Test func `a byte that the disk has changed is found`() throws {
        let body = [UInt8]("the quick brown fox jumps over the lazy dog".utf8)
        _ = try run([.put(NewTask(tube: mail, priority: 1, delay: 0, timeToRun: 60, body: body)), put(2)])
        try store.leave()
        let file = try #require(fopen(place.path, "r+e"))
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        let start = try #require(bytes[..<count].firstRange(of: body)?.lowerBound)
        fseek(file, start + 4, SEEK_SET)
        fputc(Int32(UInt8(ascii: "Q")), file)
        fclose(file)

        let again = try place.open()
        let session = SessionID(connection: 1, of: again.manager)
        let outcome = try again.run(Batch([Operation(session: session, action: claim)], now: .start)).outcomes[0]
        #expect(claimed(outcome) == [2])
        #expect(try again.maintain(at: .start).warnings.count == 1)
        try again.leave()
    }

    @Test func `the processor's checksum is the one of the standard`() {
        // RFC 3720, appendix B.4.
        let vectors: [([UInt8], UInt32)] = [
            (Array(repeating: 0, count: 32), 0x8A91_36AA), (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E), (Array((0..<32).reversed()), 0x113F_DB5C), ([], 0),
        ]
        for (bytes, expected) in vectors {
            #expect(bytes.withUnsafeBytes { beanrow_checksum(0, $0.baseAddress, $0.count) } == expected)
            #expect(bytes.withUnsafeBytes { beanrow_checksum_portable(0, $0.baseAddress, $0.count) } == expected)
        }
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for cut in 0..<100 {
            let (head, tail) = (Array(bytes[..<cut]), Array(bytes[cut...]))
            let first = head.withUnsafeBytes { beanrow_checksum(0, $0.baseAddress, $0.count) }
            let both = tail.withUnsafeBytes { beanrow_checksum(first, $0.baseAddress, $0.count) }
            #expect(both == bytes.withUnsafeBytes { beanrow_checksum_portable(0, $0.baseAddress, $0.count) })
        }
    }
}
