import Testing

@testable import Manager

@Suite("Waiting for clients that have just been answered")
struct GatheringTests {
    let start = ContinuousClock.now
    var gathering = Gathering()

    @Test("A turn waits half of the last batch's time, until all are there")
    mutating func waits() {
        gathering.answered(4, at: start, after: .milliseconds(2))
        #expect(gathering.wait(ready: 1, at: start) == .milliseconds(1))
        #expect(gathering.wait(ready: 3, at: start + .microseconds(400)) == .microseconds(600))
        #expect(gathering.wait(ready: 4, at: start + .microseconds(500)) == nil)
        // Once it has begun, what comes later does not wait again.
        #expect(gathering.wait(ready: 1, at: start + .microseconds(600)) == nil)
    }

    @Test("It waits no longer than two milliseconds")
    mutating func bounded() {
        gathering.answered(2, at: start, after: .seconds(1))
        #expect(gathering.wait(ready: 1, at: start) == .milliseconds(2))
        #expect(gathering.wait(ready: 1, at: start + .milliseconds(2)) == nil)
    }

    @Test("It does not wait for a single client, nor after a batch that was quick")
    mutating func doesNotWait() {
        #expect(gathering.wait(ready: 0, at: start) == nil)
        gathering.answered(1, at: start, after: .milliseconds(10))
        #expect(gathering.wait(ready: 0, at: start) == nil)
        gathering.answered(20, at: start, after: .microseconds(290))
        #expect(gathering.wait(ready: 0, at: start) == nil)
    }

    @Test("Clients that take their time are not waited for again and again")
    mutating func givesUp() {
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
