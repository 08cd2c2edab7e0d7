import TaskStore
import Testing

@testable import Manager

@Suite("The clock that does not jump")
struct SteadyClockTests {
    let start = ContinuousClock.now

    @Test("It follows small corrections at once")
    func follows() {
        var clock = SteadyClock(wall: 1_000_000, instant: start)
        let moment = clock.now(wall: 1_010_900, instant: start + .seconds(10))
        #expect(moment.timestamp.rawValue == 1_010_900)
        #expect(!clock.isApproaching)
    }

    @Test("It approaches a stepped clock by a tenth of the time that passes", arguments: [3_600_000, -3_600_000])
    func approaches(step: Int64) {
        var clock = SteadyClock(wall: 1_000_000, instant: start)
        var moment = clock.now(wall: 1_010_000 + step, instant: start + .seconds(10))
        #expect(clock.isApproaching)
        #expect(moment.timestamp.rawValue == 1_010_000 + step.signum() * 1000)
        for second in 11..<60_000 {
            let instant = start + .seconds(second)
            let next = clock.now(wall: 1_000_000 + Int64(second) * 1000 + step, instant: instant)
            #expect(next.timestamp >= moment.timestamp)
            moment = next
        }
        #expect(!clock.isApproaching)
        #expect(moment.timestamp.rawValue == 1_000_000 + 59_999_000 + step)
    }

    @Test("It goes on approaching however often it is asked")
    func asksOften() {
        var clock = SteadyClock(wall: 0, instant: start)
        var last = Timestamp(rawValue: 0)
        for millisecond in 1...1000 {
            last = clock.now(wall: Int64(millisecond) + 100_000, instant: start + .milliseconds(millisecond)).timestamp
        }
        #expect(last.rawValue == 1100)
    }
}
