import SeededRandom
import TaskStore
import Testing

@testable import Manager

/// The claims of a session and their deadlines.
@Suite struct SessionTests {
    @Test(arguments: TestSeed.seeds(with: 0..<50))
    func `the first deadline is known, whatever claims begin and end`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let start = ContinuousClock.now
        let session = Session(id: SessionID(connection: 1, of: ManagerID(rawValue: 1)))
        for _ in 0..<300 {
            let now = start + .seconds(Int64.random(in: 0..<100, using: &random))
            let task = TaskID(rawValue: Int64.random(in: 1...8, using: &random))
            switch Int.random(in: 0..<8, using: &random) {
            case 0...2:
                let timeToRun = UInt32.random(in: 1..<60, using: &random)
                let deadline = now + .seconds(Int64(timeToRun))
                session.claims.remove(task)
                session.claims.add(task, .init(deadline: deadline, timeToRun: timeToRun, tube: .default))
            case 3...4: session.claims.remove(task)
            case 5: session.claims.extend(task, from: now)
            case 6 where Int.random(in: 0..<10, using: &random) == 0: session.claims = SessionClaims()
            default: break
            }
            let soonest = session.claims.byTask.values.map(\.deadline).min()
            // Looking too early does no harm; looking too late does.
            let next = session.nextTimeout
            #expect((next == nil) == (soonest == nil))
            if let next, let soonest { #expect(next <= soonest) }
            let isSoon = soonest.map { now >= $0 - .seconds(1) } ?? false
            #expect(session.claims.isDeadlineSoon(at: now) == isSoon)
            guard Bool.random(using: &random) else { continue }
            #expect(session.claims.findFirstDeadline() == soonest)
            #expect(session.nextTimeout == soonest, "known by now")
        }
    }
}
