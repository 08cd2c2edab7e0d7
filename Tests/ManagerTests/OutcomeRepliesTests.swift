import BeanstalkWire
import TaskStore
import Testing

@testable import Manager

/// Outcomes of batches that the tests make by hand, without a builder.
@Suite struct OutcomeRepliesTests {
    private var sessions = SessionRegistry()
    private var batch = BuiltBatch()
    private var replies = OutcomeReplies(process: SessionScript.process)
    private let now = Moment(instant: .now, timestamp: Timestamp(rawValue: 0))
    private let session = Session(id: SessionID(connection: 1, of: ManagerID(rawValue: 1)))

    init() {
        sessions.open(session)
        _ = sessions.takeReady()
    }

    private mutating func add(_ action: Action, _ kind: BatchEntry.Kind) {
        batch.operations.append(Operation(session: session.id, action: action))
        batch.entries.append(BatchEntry(session: session, kind: kind))
    }

    private mutating func apply(_ outcomes: Outcome...) {
        replies.apply(outcomes, of: &batch, to: &sessions, at: now)
        batch.forgetEntries()
    }

    @Test mutating func `answers come in the order of the entries, also those that need no store`() {
        add(.listTubes, .store(.listTubes, claim: nil))
        batch.entries.append(BatchEntry(session: session, kind: .answer(.using(.default), verb: .use)))
        add(.peek(TaskID(rawValue: 1)), .store(.peek, claim: nil))
        apply(.tubes([]), .notFound)
        #expect(session.replies == [.ok(Array("---\n".utf8)), .using(.default), .notFound])
        #expect([sessions.counters[.listTubes], sessions.counters[.use], sessions.counters[.peek]] == [1, 1, 1])
        #expect(sessions.takeAnswered().count == 1)
    }

    @Test mutating func `deferred commands return to the front of the queue in their order`() {
        let task = NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 1, body: [1, 2])
        add(.put(task), .put(.put))
        add(.delete(TaskID(rawValue: 1)), .store(.delete, claim: TaskID(rawValue: 1)))
        apply(.deferred, .deferred)
        #expect(session.replies.isEmpty)
        #expect(session.queue.bytes == 2)
        #expect(session.queue.nextKind == .put)
        _ = session.queue.popFirst()
        #expect(session.queue.nextKind == .delete)
        #expect(session.isReady)
    }

    @Test mutating func `a locked command is tried again a little later, and no other session waits for it`() {
        add(.touch(TaskID(rawValue: 1)), .store(.touch, claim: TaskID(rawValue: 1)))
        apply(.locked)
        #expect(session.isPutOff && !session.isReady && session.queue.count == 1)
        #expect(session.nextCheck == now.instant + OutcomeReplies.pauseForLock)
    }

    @Test mutating func `a claim and its end are known to the session`() {
        let task = ClaimedTask(id: TaskID(rawValue: 1), tube: .default, timeToRun: 60, body: [])
        add(.claim(tubes: [.default], count: 1, waits: true), .reserve(timeout: nil, count: 1, waits: true))
        apply(.claimed([task]))
        #expect(session.claims.count == 1 && session.repliesTellOfClaims)
        add(.bury(task.id, priority: 0), .store(.bury, claim: task.id))
        apply(.buried)
        #expect(session.claims.isEmpty)
        #expect(session.replies == [.reserved(task.id, body: []), .buried])
    }

    @Test mutating func `a batch that failed refuses commands and tries ends again`() {
        add(.listTubes, .store(.listTubes, claim: nil))
        add(.disconnect(releasing: .ownClaims), .disconnect(known: 0))
        replies.fail(&batch, with: .outOfMemory, to: &sessions, at: now)
        #expect(session.replies == [.outOfMemory])
        #expect(sessions.ended.count == 1)
        #expect(batch.rest == .commands)
    }

    @Test mutating func `if the outcome is unknown, the connection is closed without an answer`() {
        add(.listTubes, .store(.listTubes, claim: nil))
        replies.fail(&batch, with: nil, to: &sessions, at: now)
        #expect(session.replies.isEmpty && session.closing == .now)
    }
}
