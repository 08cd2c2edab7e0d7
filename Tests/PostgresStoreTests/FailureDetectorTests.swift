import Testing

@testable import PostgresStore

/// Which managers are considered dead.
struct FailureDetectorTests {
    private var detector = FailureDetector(lease: .seconds(5))
    private let start = ContinuousClock.now

    private mutating func observe(_ seconds: Double, _ pulse: Int64, took: Double = 0.01) -> [FailureDetector
        .ExpiredManager]
    {
        let begun = start + .seconds(seconds)
        let observation = FailureDetector.Observation(manager: 1, pulse: pulse, lease: .seconds(5), isDead: false)
        return detector.observe([observation], begun: begun, ended: begun + .seconds(took))
    }

    @Test mutating func `a manager whose counter stays the same for a lease is dead`() {
        for tenth in 0...50 { #expect(observe(Double(tenth) / 10, 7).isEmpty) }
        #expect(observe(5.1, 7) == [FailureDetector.ExpiredManager(manager: 1, pulse: 7)])
    }

    @Test mutating func `a manager whose counter grows is alive`() {
        for second in 0..<100 { #expect(observe(Double(second), Int64(second / 4)).isEmpty) }
    }

    @Test mutating func `a pause, a slow observation and a lost connection start the lease again`() {
        for second in 0...4 { #expect(observe(Double(second), 7).isEmpty) }
        #expect(observe(30, 7).isEmpty, "this process stood still")
        for second in 31...34 { #expect(observe(Double(second), 7).isEmpty) }
        #expect(observe(34.5, 7, took: 4).isEmpty, "the server stood still")
        for second in 39...43 { #expect(observe(Double(second), 7).isEmpty) }
        detector.startOver()
        for second in 44...49 { #expect(observe(Double(second), 7).isEmpty) }
        #expect(observe(49.5, 7).count == 1)
    }

    @Test mutating func `a manager that was declared dead before is reported at once`() {
        let observation = FailureDetector.Observation(manager: 3, pulse: 9, lease: .seconds(5), isDead: true)
        #expect(
            detector.observe([observation], begun: start, ended: start) == [
                FailureDetector.ExpiredManager(manager: 3, pulse: nil)
            ]
        )
    }
}

/// Whether the server's clock runs steadily.
struct ServerClockTests {
    private var clock = ServerClock()
    private let start = ContinuousClock.now

    private mutating func note(_ seconds: Double, _ time: Int64, took: Double = 0.01) {
        let sent = start + .seconds(seconds)
        clock.note(time, sent: sent, received: sent + .seconds(took))
    }

    @Test mutating func `the clock is trusted after a while, and then extrapolated with this process's own`() {
        #expect(clock.limit(at: start) == 0)
        note(0, 1_000_000)
        #expect(clock.limit(at: start + .seconds(1)) == 0)
        note(3, 1_003_000)
        #expect((1_004_000...1_005_000).contains(clock.limit(at: start + .seconds(4))))
        // A reading that took long does not show a step.
        note(5, 1_009_000, took: 4)
        #expect(clock.step == nil)
    }

    @Test(arguments: [10_000, -10_000, 3_600_000, -3_600_000, 700])
    mutating func `a step of the clock ends no claim`(_ step: Int64) {
        note(0, 10_000_000)
        note(3, 10_003_000)
        #expect(clock.limit(at: start + .seconds(3.5)) < 10_004_500)
        note(4, 10_004_000 + step)
        #expect(clock.step == 10_004_000 + step)
        #expect(clock.limit(at: start + .seconds(30)) == 0, "until the claims were seen to")
        clock.stepWasHandled()
        #expect(clock.limit(at: start + .seconds(5)) == 0, "and for a while longer")
        note(7, 10_007_000 + step)
        #expect(clock.limit(at: start + .seconds(7)) > 10_000_000 + step)
        #expect(clock.step == nil)
    }
}
