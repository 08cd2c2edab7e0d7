import ClientCommandSupport
import Testing

@testable import beanrow_consumer

@Suite struct TakingPlanTests {
    @Test func neverPermitsMoreThanTheCount() async throws {
        let plan = TakingPlan(goal: .count(5), stop: StopSignal())
        let first = try #require(await plan.permit(upTo: 3))
        let second = try #require(await plan.permit(upTo: 3))
        #expect([first.count, second.count] == [3, 2])
        await plan.took(3, with: first)
        await plan.took(2, with: second)
        #expect(await plan.permit(upTo: 1) == nil)
    }

    @Test func whatWasNotTakenCanBeTakenByOthers() async throws {
        let plan = TakingPlan(goal: .count(5), stop: StopSignal())
        let first = try #require(await plan.permit(upTo: 5))
        async let second = plan.permit(upTo: 5)
        await plan.took(1, with: first)
        #expect(await second?.count == 4)
    }

    @Test func endsWhenItIsStopped() async {
        let stop = StopSignal()
        let plan = TakingPlan(goal: .none, stop: stop)
        #expect(await plan.permit(upTo: 7)?.count == 7)
        stop.set()
        #expect(await plan.permit(upTo: 7) == nil)
        #expect(await plan.waitingTime(at: .zero) == nil)
        #expect(await !plan.wasEmpty)
    }

    @Test func isEmptyWhenNothingIsInHand() async throws {
        let stop = StopSignal()
        let plan = TakingPlan(goal: .untilEmpty, stop: stop)
        let permit = try #require(await plan.permit(upTo: 1))
        await plan.took(1, with: permit)
        #expect(await plan.waitingTime(at: .zero) != nil)
        await plan.finished(1)
        #expect(await plan.waitingTime(at: .zero) == nil)
        #expect(await plan.wasEmpty)
        #expect(stop.isSet)
    }

    @Test func isNotEmptyWhileAnotherAsks() async throws {
        let plan = TakingPlan(goal: .untilEmpty, stop: StopSignal())
        let permit = try #require(await plan.permit(upTo: 1))
        #expect(await plan.waitingTime(at: .zero) != nil)
        await plan.took(0, with: permit)
        #expect(await plan.waitingTime(at: .zero) == nil)
    }

    @Test func isEmptyWhileOthersOnlyWait() async throws {
        let plan = TakingPlan(goal: .untilEmpty, stop: StopSignal())
        _ = try #require(await plan.permit(upTo: 1, toWait: true))
        #expect(await plan.waitingTime(at: .zero) == nil)
    }

    @Test func waitsForItsOwnNextAttempts() async throws {
        let plan = TakingPlan(goal: .untilEmpty, stop: StopSignal())
        let permit = try #require(await plan.permit(upTo: 2))
        await plan.took(2, with: permit)
        await plan.finished(1, nextAttempt: .seconds(30))
        await plan.finished(1, nextAttempt: .seconds(20))
        #expect(await plan.waitingTime(at: .seconds(12)) == .seconds(18))
        #expect(await plan.waitingTime(at: .seconds(30)) == nil)
    }

    @Test func delaysAreDoubledUpToALimitAndThenItBuries() {
        let rule = RetryRule(firstDelay: 2, maximumAttempts: 20)
        let delays = (1...9).map { rule.verdict(afterAttempt: $0) }
        #expect(delays == [2, 4, 8, 16, 32, 64, 128, 256, 300].map { .release(delay: $0) })
        #expect(rule.verdict(afterAttempt: 19) == .release(delay: 300))
        #expect(rule.verdict(afterAttempt: 20) == .bury)
        #expect(RetryRule(firstDelay: 0, maximumAttempts: 3).verdict(afterAttempt: 2) == .release(delay: 0))
        #expect(RetryRule(firstDelay: .max, maximumAttempts: 3).verdict(afterAttempt: 1) == .release(delay: 300))
        #expect(RetryRule(firstDelay: 1, maximumAttempts: 1).verdict(afterAttempt: 1) == .bury)
    }
}
