import Testing

@testable import Manager

/// How long a turn waits for clients that have just been answered.
@Suite struct BatchLingerTests {
    let start = ContinuousClock.now
    var linger = BatchLinger()

    @Test mutating func `a turn waits until all clients are there, for half of the last batch's time at most`() {
        linger.answered(4, at: start, after: .milliseconds(2))
        #expect(linger.wait(ready: 1, at: start) == .milliseconds(1))
        #expect(linger.wait(ready: 3, at: start + .microseconds(400)) == .microseconds(600))
        #expect(linger.wait(ready: 4, at: start + .microseconds(500)) == nil)
        // Once it has begun, what comes later does not wait again.
        #expect(linger.wait(ready: 1, at: start + .microseconds(600)) == nil)
    }

    @Test mutating func `a turn waits for two milliseconds at most`() {
        linger.answered(2, at: start, after: .seconds(1))
        #expect(linger.wait(ready: 1, at: start) == .milliseconds(2))
        #expect(linger.wait(ready: 1, at: start + .milliseconds(2)) == nil)
    }

    @Test mutating func `a turn does not wait for a single client, nor after a quick batch`() {
        #expect(linger.wait(ready: 0, at: start) == nil)
        linger.answered(1, at: start, after: .milliseconds(10))
        #expect(linger.wait(ready: 0, at: start) == nil)
        linger.answered(20, at: start, after: .microseconds(290))
        #expect(linger.wait(ready: 0, at: start) == nil)
    }

    @Test mutating func `a turn does not wait again and again for slow clients`() {
        linger.answered(10, at: start, after: .milliseconds(8))
        #expect(linger.wait(ready: 2, at: start) != nil)
        #expect(linger.wait(ready: 5, at: start + .milliseconds(2)) == nil)
        for _ in 0..<8 {
            linger.answered(10, at: start, after: .milliseconds(8))
            #expect(linger.wait(ready: 2, at: start) == nil)
        }
        linger.answered(10, at: start, after: .milliseconds(8))
        #expect(linger.wait(ready: 2, at: start) != nil)
        // Half of those that were missing came, and the next batch waits too.
        #expect(linger.wait(ready: 6, at: start + .milliseconds(2)) == nil)
        linger.answered(10, at: start, after: .milliseconds(8))
        #expect(linger.wait(ready: 2, at: start) != nil)
    }
}
