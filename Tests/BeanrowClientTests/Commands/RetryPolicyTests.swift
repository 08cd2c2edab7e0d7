import Testing

@testable import beanrow_consumer

@Suite struct RetryPolicyTests {
    @Test func `retry delays double up to a limit, and the last attempt buries`() {
        let policy = RetryPolicy(firstDelay: 2, maximumAttempts: 20)
        let delays = (1...9).map { policy.decision(afterAttempt: $0) }
        #expect(delays == [2, 4, 8, 16, 32, 64, 128, 256, 300].map { .release(delay: $0) })
        #expect(policy.decision(afterAttempt: 19) == .release(delay: 300))
        #expect(policy.decision(afterAttempt: 20) == .bury)
        #expect(RetryPolicy(firstDelay: 0, maximumAttempts: 3).decision(afterAttempt: 2) == .release(delay: 0))
        #expect(RetryPolicy(firstDelay: .max, maximumAttempts: 3).decision(afterAttempt: 1) == .release(delay: 300))
        #expect(RetryPolicy(firstDelay: 1, maximumAttempts: 1).decision(afterAttempt: 1) == .bury)
    }
}
