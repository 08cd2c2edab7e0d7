import TaskStore
import Testing

@testable import Manager

/// The order in which sessions come out of the queue.
@Suite struct TimeoutQueueTests {
    let start = ContinuousClock.now
    var queue = TimeoutQueue()

    private func session(_ number: UInt32, holdingFor seconds: Int64) -> Session {
        let session = Session(id: SessionID(connection: number, of: ManagerID(rawValue: 1)))
        let deadline = start + .seconds(seconds)
        let claim = SessionClaims.Claim(deadline: deadline, timeToRun: UInt32(seconds), tube: .default)
        session.claims.add(TaskID(rawValue: Int64(number)), claim)
        return session
    }

    @Test mutating func `sessions come out in the order of their timeouts`() {
        let sessions = [30, 10, 20].enumerated().map { session(UInt32($0.offset), holdingFor: Int64($0.element)) }
        for session in sessions { queue.schedule(session) }
        #expect(queue.popDue(at: start + .seconds(9)) == nil)
        let all = (0..<3).map { _ in queue.popDue(at: start + .seconds(31)) }
        #expect(all.map { $0?.id.connection } == [1, 2, 0])
    }

    @Test mutating func `sessions that have ended are not kept until the deadlines of their claims`() {
        let lasting = session(1, holdingFor: 3600)
        queue.schedule(lasting)
        for number in 2..<10_000 {
            let passing = session(UInt32(number), holdingFor: 4_000_000)
            queue.schedule(passing)
            queue.forget(passing)
        }
        #expect(queue.count < 200)
        #expect(queue.next == lasting.nextCheck)
        #expect(queue.popDue(at: start + .seconds(3601)) === lasting)
        #expect(queue.next == nil)
    }
}
