import TaskStore
import Testing

@testable import SQLiteStore

@Suite struct OpeningTests {
    private let mail = TubeName("mail")!

    @Test func whatWasPutIsThereAfterReopening() throws {
        let place = try TemporaryStore()
        let first = try place.open()
        let session = SessionID(connection: 1, of: first.manager)
        let task = NewTask(tube: mail, priority: 5, delay: 0, timeToRun: 10, body: [1, 2, 3])
        let put = try first.run(Batch([Operation(session: session, action: .put(task))], now: .start))
        #expect(put.needsDurability)
        let inserted = Outcome.inserted(TaskID(rawValue: 1))
        #expect(put.outcomes == [inserted])
        try first.makeDurable()
        try first.leave()

        let second = try place.open()
        #expect(second.manager != first.manager)
        let other = SessionID(connection: 1, of: second.manager)
        let claim = Action.claim(tubes: [mail], count: 1, waits: false)
        let taken = try second.run(Batch([Operation(session: other, action: claim)], now: .start))
        let expected = ClaimedTask(id: TaskID(rawValue: 1), tube: mail, timeToRun: 10, body: [1, 2, 3])
        #expect(taken.outcomes == [.claimed([expected])])
        try second.leave()
    }
}
