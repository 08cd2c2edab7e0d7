import Testing

@testable import Manager

/// How long a turn waits for clients that have just been answered.
@Suite struct GatheringTests {
    let start = ContinuousClock.now
    var gathering = Gathering()

    @Test mutating func `a turn waits until all clients are there, for half of the last batch's time at most`() {
        gathering.answered(4, at: start, after: .milliseconds(2))
        #expect(gathering.wait(ready: 1, at: start) == .milliseconds(1))
        #expect(gathering.wait(ready: 3, at: start + .microseconds(400)) == .microseconds(600))
        #expect(gathering.wait(ready: 4, at: start + .microseconds(500)) == nil)
        // Once it has begun, what comes later does not wait again.
        #expect(gathering.wait(ready: 1, at: start + .microseconds(600)) == nil)
    }

    @Test mutating func `a turn waits for two milliseconds at most`() {
        gathering.answered(2, at: start, after: .seconds(1))
        #expect(gathering.wait(ready: 1, at: start) == .milliseconds(2))
        #expect(gathering.wait(ready: 1, at: start + .milliseconds(2)) == nil)
    }

    @Test mutating func `a turn does not wait for a single client, nor after a quick batch`() {
        #expect(gathering.wait(ready: 0, at: start) == nil)
        gathering.answered(1, at: start, after: .milliseconds(10))
        #expect(gathering.wait(ready: 0, at: start) == nil)
        gathering.answered(20, at: start, after: .microseconds(290))
        #expect(gathering.wait(ready: 0, at: start) == nil)
    }

    @Test mutating func `a turn does not wait again and again for slow clients`() {
        gathering.answered(10, at: start, after: .milliseconds(8))
        #expect(gathering.wait(ready: 2, at: start) != nil)
        #expect(gathering.wait(ready: 5, at: start + .milliseconds(2)) == nil)
        for _ in 0..<8 {
            gathering.answered(10, at: start, after: .milliseconds(8))
            #expect(gathering.wait(ready: 2, at: start) == nil)
        }
        gathering.answered(10, at: start, after: .milliseconds(8))
        #expect(gathering.wait(ready: 2, at: start) != nil)
        // Half of those that were missing came, and the next batch waits too.
        #expect(gathering.wait(ready: 6, at: start + .milliseconds(2)) == nil)
        gathering.answered(10, at: start, after: .milliseconds(8))
        #expect(gathering.wait(ready: 2, at: start) != nil)
    }
}
