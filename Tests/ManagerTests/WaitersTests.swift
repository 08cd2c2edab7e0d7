import TaskStore
import Testing

@testable import Manager

/// The sessions that wait, without batches.
@Suite struct WaitersTests {
    private var waiters = Waiters()
    private let mail = TubeName("mail")!

    private func session(_ number: UInt32, watching tube: TubeName? = nil) -> Session {
        let session = Session(id: SessionID(connection: number, of: ManagerID(rawValue: 1)))
        if let tube { session.watch(tube) }
        return session
    }

    @Test mutating func `a session waits for each tube that it watches, until it is removed`() {
        let session = session(1, watching: mail)
        waiters.add(session, until: nil)
        #expect(session.isWaiting)
        #expect([waiters.count, waiters.count(for: mail), waiters.count(for: .default)] == [1, 1, 1])
        waiters.remove(session)
        #expect(!session.isWaiting)
        #expect([waiters.count, waiters.count(for: mail), waiters.count(for: .default)] == [0, 0, 0])
    }

    @Test mutating func `a tube is abandoned once no session waits for it`() {
        let (first, second) = (session(1, watching: mail), session(2))
        waiters.add(first, until: nil)
        waiters.add(second, until: nil)
        waiters.remove(first)
        #expect(waiters.takeAbandoned() == [mail])
        waiters.remove(second)
        #expect(waiters.takeAbandoned() == [.default])
        #expect(waiters.takeAbandoned().isEmpty)
    }

    @Test mutating func `only tubes with waiting sessions are woken`() {
        waiters.wake([mail])
        waiters.wakeAll()
        #expect(waiters.wakes.isEmpty)
        waiters.add(session(1, watching: mail), until: nil)
        waiters.wake([TubeName("film")!])
        #expect(waiters.wakes.isEmpty)
        waiters.wake([mail])
        #expect(waiters.wakes.takeTubes().map(\.tube) == [mail])
    }

    @Test mutating func `a round that is wanted again during a round follows it`() {
        waiters.add(session(1), until: nil)
        waiters.wakeAll()
        #expect(waiters.wakes.isForAll)
        #expect(waiters.wakes.nextOfRound() == 0)
        waiters.wakes.servedRound(upTo: 7)
        waiters.wakeAll()
        #expect(!waiters.wakes.isForAll)
        #expect(waiters.wakes.nextOfRound() == 7)
        waiters.wakes.servedRound(upTo: nil)
        #expect(waiters.wakes.isForAll)
        _ = waiters.wakes.nextOfRound()
        waiters.wakes.servedRound(upTo: nil)
        #expect(waiters.wakes.isEmpty)
    }

    @Test mutating func `a batch that leaves tasks of unknown tubes wakes all sessions`() {
        waiters.add(session(1), until: nil)
        waiters.endBatch(moreToClaim: nil)
        #expect(waiters.wakes.isEmpty)
        waiters.unserved = .possible
        waiters.endBatch(moreToClaim: nil)
        #expect(waiters.wakes.isForAll)
    }
}
