import TaskStore
import Testing

@testable import PostgresStore

/// Which batches take the quick way; that it leads to the same place is what the other tests are for.
struct PlainBatchTests {
    private let mail = TubeName("mail")!
    private let film = TubeName("film")!
    private let manager = ManagerID(rawValue: 7)
    private var members = Members()

    init() {
        members.refer(mail, using: 1, watching: 1)
        for task in 1...3 { members.hold(TaskID(rawValue: Int64(task)), UInt32(task)) }
        members.take(9, 4)
    }

    private func isPlain(_ actions: (UInt32, Action)..., hopefully isHopeful: Bool = false) -> Bool {
        let operations = actions.map {
            Operation(session: SessionID(connection: $0.0, of: manager), action: $0.1)
        }
        return PlainBatch(BatchPlan(operations, manager: manager, members: members, isHopeful: isHopeful)) != nil
    }

    private func put(_ tube: TubeName, delay: UInt32 = 0) -> Action {
        .put(NewTask(tube: tube, priority: 1, delay: delay, timeToRun: 60, body: [1]))
    }

    private func claim(_ tubes: TubeName..., waits: Bool = true) -> Action {
        .claim(tubes: tubes, count: 1, waits: waits)
    }

    private func delete(_ id: Int64) -> Action { .delete(TaskID(rawValue: id)) }

    @Test func `puts, deletes of what is held and claims of one tube, in this order`() {
        #expect(isPlain((1, put(mail)), (2, put(.default)), (1, delete(1)), (2, delete(2)), (3, claim(mail))))
        #expect(isPlain((1, claim(film)), (2, claim(film, waits: false))))
        #expect(isPlain((1, delete(1))))
        #expect(!isPlain((1, delete(1)), (2, put(mail))))
        #expect(!isPlain((1, claim(mail)), (2, put(mail))))
        #expect(!isPlain((1, claim(mail)), (2, claim(film))))
        #expect(!isPlain())
    }

    @Test func `whatever needs more than that does not`() {
        #expect(!isPlain((1, put(film))), "makes a tube")
        #expect(!isPlain((1, put(mail, delay: 1))), "moves the next event")
        #expect(!isPlain((1, delete(2))), "another connection holds it")
        #expect(!isPlain((1, delete(1)), (1, delete(1))), "is not there the second time")
        #expect(!isPlain((1, claim(mail, film))), "two tubes")
        #expect(!isPlain((4, claim(mail))), "a named session")
        #expect(!isPlain((1, claim(mail)), (1, claim(mail))), "the second may be held back")
        #expect(isPlain((1, claim(mail)), (1, claim(mail)), hopefully: true))
        #expect(!isPlain((1, put(mail)), (2, .touch(TaskID(rawValue: 2)))))
        #expect(!isPlain((1, put(mail)), (2, .storeStatistics)))
    }
}
