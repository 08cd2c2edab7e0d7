import ClientCommandSupport
import Testing

@testable import beanrow_consumer

@Suite struct TakingPlanTests {
    @Test func `reservations never exceed the count`() async throws {
        let budget = FetchBudget(goal: .count(5), stop: StopSignal())
        let first = try #require(await budget.reserve(upTo: 3))
        let second = try #require(await budget.reserve(upTo: 3))
        #expect([first.count, second.count] == [3, 2])
        await budget.settle(3, with: first)
        await budget.settle(2, with: second)
        #expect(await budget.reserve(upTo: 1) == nil)
    }

    @Test func `tasks that one worker did not fetch can be fetched by another`() async throws {
        let budget = FetchBudget(goal: .count(5), stop: StopSignal())
        let first = try #require(await budget.reserve(upTo: 5))
        async let second = budget.reserve(upTo: 5)
        await budget.settle(1, with: first)
        #expect(await second?.count == 4)
    }

    @Test func `there are no reservations after the stop signal`() async {
        let stop = StopSignal()
        let budget = FetchBudget(goal: .none, stop: stop)
        #expect(await budget.reserve(upTo: 7)?.count == 7)
        stop.set()
        #expect(await budget.reserve(upTo: 7) == nil)
        #expect(await budget.waitingTime(at: .zero) == nil)
        #expect(await !budget.wasEmpty)
    }

    @Test func `until-empty ends when no worker has a task`() async throws {
        let stop = StopSignal()
        let budget = FetchBudget(goal: .untilEmpty, stop: stop)
        let reservation = try #require(await budget.reserve(upTo: 1))
        await budget.settle(1, with: reservation)
        #expect(await budget.waitingTime(at: .zero) != nil)
        await budget.finished(1)
        #expect(await budget.waitingTime(at: .zero) == nil)
        #expect(await budget.wasEmpty)
        #expect(stop.isSet)
    }

    @Test func `until-empty does not end while another worker fetches`() async throws {
        let budget = FetchBudget(goal: .untilEmpty, stop: StopSignal())
        let reservation = try #require(await budget.reserve(upTo: 1))
        #expect(await budget.waitingTime(at: .zero) != nil)
        await budget.settle(0, with: reservation)
        #expect(await budget.waitingTime(at: .zero) == nil)
    }

    @Test func `until-empty ends while other workers only wait`() async throws {
        let budget = FetchBudget(goal: .untilEmpty, stop: StopSignal())
        _ = try #require(await budget.reserve(upTo: 1, forWaiting: true))
        #expect(await budget.waitingTime(at: .zero) == nil)
    }

    @Test func `until-empty waits for the next attempts of released tasks`() async throws {
        let budget = FetchBudget(goal: .untilEmpty, stop: StopSignal())
        let reservation = try #require(await budget.reserve(upTo: 2))
        await budget.settle(2, with: reservation)
        await budget.finished(1, nextAttempt: .seconds(30))
        await budget.finished(1, nextAttempt: .seconds(20))
        #expect(await budget.waitingTime(at: .seconds(12)) == .seconds(18))
        #expect(await budget.waitingTime(at: .seconds(30)) == nil)
    }
}
