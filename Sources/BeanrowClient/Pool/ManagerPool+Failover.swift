internal import Logging
internal import Synchronization

extension ManagerPool {
    /// Tries a request at one manager after the other, until one carries it out.
    ///
    /// Managers that could not be reached are left out until their delay is over. If no manager accepts the request, it
    /// waits and starts again, until ``BeanrowClient/Options/failoverTimeout``. The time of an attempt over an open
    /// connection does not count, since a reserve may wait for a long time before its manager fails.
    ///
    /// - Parameters:
    ///   - first: the manager to start with, if it was selected before.
    ///   - attempt: tries the request at the manager with this index.
    /// - Returns: the value of the attempt that succeeded.
    /// - Throws: ``ClientError``: the error of an attempt that must not be repeated, the last refusal,
    ///   ``ClientError/Code/noManagerReachable`` or ``ClientError/Code/cancelled``.
    func withManagers<Value: Sendable>(
        beginningWith first: Int? = nil,
        _ attempt: (Int) async -> AttemptResult<Value>
    ) async throws(ClientError) -> Value {
        var timeLeft = options.failoverTimeout
        var rounds = 0
        var selected = first
        while true {
            var refusal: ClientError?
            let isLastRound = timeLeft <= .zero
            let order = selected.map(order(beginningWith:)) ?? order()
            selected = nil
            for index in order where isLastRound || isDue(index) {
                guard !Task.isCancelled else { throw ClientError(.cancelled, "the task was cancelled") }
                let start = options.clock.now()
                switch await attempt(index) {
                case .done(let value):
                    state.withLock { $0.selector.worked(index) }
                    return value
                case .failed(let error):
                    throw error
                case .tryNext(let error):
                    if error.code == .notConnected {
                        timeLeft -= options.clock.now() - start
                    } else {
                        refusal = error
                    }
                    options.logger.debug("trying the next manager", metadata: ["reason": "\(error)"])
                }
            }

            guard isAnyManagerKnown, !isLastRound else { throw refusal ?? unreachable() }
            var delay = timeUntilDue()
            if delay == .zero {
                delay = retryDelay(before: rounds)
                rounds += 1
            }
            delay = min(delay, max(timeLeft, .zero))
            timeLeft -= delay
            try await wait(delay)
        }
    }

    /// Returns the managers in the order in which one request tries them.
    func order() -> [Int] {
        state.withLock { $0.selector.order(random: options.randomNumber) }
    }

    /// Returns how many of some claims to ask each manager for, if each claim selects its manager.
    func shares(of count: Int) -> [(index: Int, share: Int)] {
        let now = options.clock.now()
        return state.withLock { $0.shares(of: count, at: now, random: options.randomNumber) }
    }

    /// Computes the next delay, with its random part.
    ///
    /// - Parameter repetition: the number of delays before this one.
    /// - Returns: the delay.
    func retryDelay(before repetition: Int) -> Duration {
        let random = Double(options.randomNumber(1000)) / 1000
        return options.backoff.delay(before: repetition, random: random)
    }

    /// Waits.
    ///
    /// Throws if the calling task is cancelled.
    func wait(_ delay: Duration) async throws(ClientError) {
        do {
            try await options.clock.sleep(delay)
        } catch {
            throw ClientError(.cancelled, "the task was cancelled")
        }
    }

    private func order(beginningWith first: Int) -> [Int] {
        let count = state.withLock { $0.managers.count }
        return (0..<count).map { (first + $0) % count }
    }

    private var isAnyManagerKnown: Bool { state.withLock { !$0.managers.isEmpty } }

    private func isDue(_ index: Int) -> Bool {
        let now = options.clock.now()
        return state.withLock { $0.managers[index].isDue(at: now) }
    }

    private func unreachable() -> ClientError {
        state.withLock { $0.unreachable() }
    }

    private func timeUntilDue() -> Duration {
        let now = options.clock.now()
        return state.withLock { $0.timeUntilDue(at: now) }
    }
}
