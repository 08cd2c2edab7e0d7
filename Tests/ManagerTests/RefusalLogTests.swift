import TaskStore
import Testing

@testable import Manager

@Suite struct RefusalLogTests {
    private let start = ContinuousClock.now

    @Test func `the beginning is reported once per cause`() {
        var log = RefusalLog()
        let begins = [
            log.refused(1, .puts(.disk), at: start), log.refused(5, .puts(.disk), at: start + .seconds(60)),
            log.refused(1, .puts(.ids), at: start), log.refused(1, .everything, at: start),
        ]
        #expect(begins == [true, false, true, true])
        #expect(!log.isEmpty)
    }

    @Test func `the end is reported with the number of refused commands`() {
        var log = RefusalLog()
        _ = log.refused(3, .puts(.disk), at: start)
        _ = log.refused(4, .puts(.disk), at: start + .seconds(1))
        let early = log.takeEnded(at: start + .seconds(60))
        #expect(early.isEmpty, "nothing was taken since")
        log.carriedOut(hasPuts: true)
        let ended = log.takeEnded(at: start + .seconds(60))
        #expect(ended == [RefusalLog.Ended(cause: .puts(.disk), count: 7, isTakenSince: true)])
        #expect(log.isEmpty)
        let beginsAgain = log.refused(1, .puts(.disk), at: start + .seconds(61))
        #expect(beginsAgain)
    }

    @Test func `small tasks that are taken while large ones are refused do not end it`() {
        var log = RefusalLog()
        var lines = 0
        for step in 0..<1000 {
            let now = start + .milliseconds(step * 10)
            if log.refused(1, .puts(.disk), at: now) { lines += 1 }
            log.carriedOut(hasPuts: true)
            lines += log.takeEnded(at: now).count
        }
        #expect(lines == 1)
    }

    @Test func `a write without puts ends only the refusal of all writes`() {
        var log = RefusalLog()
        _ = log.refused(1, .puts(.log), at: start)
        _ = log.refused(2, .everything, at: start)
        log.carriedOut(hasPuts: false)
        let ended = log.takeEnded(at: start + .seconds(60))
        #expect(ended == [RefusalLog.Ended(cause: .everything, count: 2, isTakenSince: true)])
        #expect(!log.isEmpty)
    }

    @Test func `a manager that leaves reports the rest`() {
        var log = RefusalLog()
        _ = log.refused(2, .puts(.ids), at: start)
        let (rest, nothing) = (log.takeAll(), log.takeAll())
        #expect(rest == [RefusalLog.Ended(cause: .puts(.ids), count: 2, isTakenSince: false)])
        #expect(nothing.isEmpty)
    }
}
