import TaskStore
import Testing

@testable import PostgresStore

/// Which batches take the fast path.
///
/// The other tests check that it has the same effect.
struct FastPathTests {
    private let mail = TubeName("mail")!
    private let film = TubeName("film")!
    private let manager = ManagerID(rawValue: 7)
    private var references = LocalReferences()

    init() {
        references.count(mail, using: 1, watching: 1)
        for task in 1...3 { references.addClaim(TaskID(rawValue: Int64(task)), UInt32(task)) }
        references.attach(4, to: NamedSessionID(rawValue: 9))
    }

    private func takesFastPath(_ actions: (UInt32, Action)..., expectsTasks: Bool = false) -> Bool {
        let operations = actions.map {
            Operation(session: SessionID(connection: $0.0, of: manager), action: $0.1)
        }
        return FastPath(
            BatchPlan(operations, manager: manager, references: references, expectsTasks: expectsTasks)
        ) != nil
    }

    private func put(_ tube: TubeName, delay: UInt32 = 0) -> Action {
        .put(NewTask(tube: tube, priority: 1, delay: delay, timeToRun: 60, body: [1]))
    }

    private func claim(_ tubes: TubeName..., waits: Bool = true) -> Action {
        .claim(tubes: tubes, count: 1, waits: waits)
    }

    private func delete(_ id: Int64) -> Action { .delete(TaskID(rawValue: id)) }

    @Test func `puts, then deletes of held tasks, then claims from one tube take the fast path`() {
        #expect(takesFastPath((1, put(mail)), (2, put(.default)), (1, delete(1)), (2, delete(2)), (3, claim(mail))))
        #expect(takesFastPath((1, claim(film)), (2, claim(film, waits: false))))
        #expect(takesFastPath((1, delete(1))))
        #expect(!takesFastPath((1, delete(1)), (2, put(mail))))
        #expect(!takesFastPath((1, claim(mail)), (2, put(mail))))
        #expect(!takesFastPath((1, claim(mail)), (2, claim(film))))
        #expect(!takesFastPath())
    }

    @Test func `batches that need more do not take it`() {
        #expect(!takesFastPath((1, put(film))), "makes a tube")
        #expect(!takesFastPath((1, put(mail, delay: 1))), "moves the next event")
        #expect(!takesFastPath((1, delete(2))), "another connection holds it")
        #expect(!takesFastPath((1, delete(1)), (1, delete(1))), "is not there the second time")
        #expect(!takesFastPath((1, claim(mail, film))), "two tubes")
        #expect(!takesFastPath((4, claim(mail))), "a named session")
        #expect(!takesFastPath((1, claim(mail)), (1, claim(mail))), "the second may be held back")
        #expect(takesFastPath((1, claim(mail)), (1, claim(mail)), expectsTasks: true))
        #expect(!takesFastPath((1, put(mail)), (2, .touch(TaskID(rawValue: 2)))))
        #expect(!takesFastPath((1, put(mail)), (2, .storeStatistics)))
    }
}
