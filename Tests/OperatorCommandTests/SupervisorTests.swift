import Testing

@testable import beanrow

/// What `beanrow up` does when managers start, die and stop.
@Suite struct SupervisorTests {
    /// A supervisor whose managers all serve.
    private func serving(_ count: Int) -> Supervisor {
        var supervisor = Supervisor(managers: count)
        _ = supervisor.begin(at: .zero)
        for manager in 0..<count { _ = supervisor.handle(.listening(manager, "host:\(manager)"), at: .zero) }
        return supervisor
    }

    @Test func `it starts all and announces them once when all serve`() {
        var supervisor = Supervisor(managers: 2)
        #expect(supervisor.begin(at: .zero) == [.start(0), .start(1)])
        #expect(supervisor.handle(.listening(1, "b"), at: .zero) == [])
        #expect(supervisor.handle(.listening(0, "a"), at: .zero) == [.announce(["a", "b"])])
    }

    @Test func `one that dies starts again after a delay that doubles up to a limit`() {
        var supervisor = serving(1)
        var delays: [Duration] = []
        for round in 1...9 {
            let now = Duration.seconds(round)
            for case .wait(0, let delay) in supervisor.handle(.ended(0, .killed(9)), at: now) { delays.append(delay) }
            #expect(supervisor.handle(.due(0), at: now) == [.start(0)])
            _ = supervisor.handle(.listening(0, "a"), at: now)
        }
        #expect(delays == [0.5, 1, 2, 4, 8, 16, 30, 30, 30].map { .seconds($0) })
    }

    @Test func `after a time without failure the delay is the first one again`() {
        var supervisor = serving(1)
        _ = supervisor.handle(.ended(0, .killed(9)), at: .seconds(1))
        _ = supervisor.handle(.due(0), at: .seconds(2))
        _ = supervisor.handle(.listening(0, "a"), at: .seconds(3))
        let actions = supervisor.handle(.ended(0, .exited(1)), at: .seconds(3) + Supervisor.healthyAfter)
        #expect(actions.contains(.wait(0, Supervisor.firstDelay)))
    }

    @Test func `they end in order, each after the one before`() {
        var supervisor = serving(3)
        #expect(supervisor.handle(.stop, at: .zero) == [.terminate(2)])
        #expect(supervisor.handle(.ended(2, .exited(0)), at: .zero) == [.terminate(1)])
        #expect(supervisor.handle(.ended(1, .exited(0)), at: .zero) == [.terminate(0)])
        #expect(supervisor.handle(.ended(0, .exited(0)), at: .zero) == [.finish(0)])
    }

    @Test func `a second request kills those that still run`() {
        var supervisor = serving(2)
        _ = supervisor.handle(.stop, at: .zero)
        #expect(supervisor.handle(.stop, at: .zero) == [.kill(0), .kill(1)])
    }

    @Test func `one that waits for its start is not started after a request to stop`() {
        var supervisor = serving(2)
        _ = supervisor.handle(.ended(1, .killed(9)), at: .zero)
        #expect(supervisor.handle(.stop, at: .zero) == [.terminate(0)])
        #expect(supervisor.handle(.due(1), at: .zero) == [])
        #expect(supervisor.handle(.ended(0, .exited(0)), at: .zero) == [.finish(0)])
    }

    @Test(
        arguments: [
            (Supervisor.Ending.exited(64), Int32(64)), (.exited(78), 78), (.exited(1), 1), (.notStarted("no file"), 1),
        ]
    ) func `one that cannot run ends all, with its status`(ending: Supervisor.Ending, status: Int32) {
        var supervisor = Supervisor(managers: 2)
        _ = supervisor.begin(at: .zero)
        let actions = supervisor.handle(.ended(0, ending), at: .zero)
        #expect(actions.last == .terminate(1))
        #expect(supervisor.handle(.ended(1, .exited(0)), at: .zero) == [.finish(status)])
    }

    @Test func `tasks that are gone end all, even after serving`() {
        var supervisor = serving(1)
        #expect(supervisor.handle(.ended(0, .exited(78)), at: .zero).last == .finish(78))
    }
}
