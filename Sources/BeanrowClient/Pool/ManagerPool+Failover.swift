internal import Logging

/// What became of a request at one manager.
enum Attempt<Value: Sendable>: Sendable {
    /// It was done.
    case done(Value)

    /// It cannot be done, or must not be tried again.
    case failed(ClientError)

    /// It surely was not done, and another manager may do it.
    case elsewhere(ClientError)

    /// What it means that there was no connection.
    static func withoutConnection(_ error: ClientError) -> Attempt {
        error.code == .notConnected ? .elsewhere(error) : .failed(error)
    }
}

extension ManagerPool {
    /// Tries a request at one manager after the other until one does it.
    ///
    /// Managers that could not be reached a moment ago are passed over until their growing delay is over. Where all
    /// refused or none could be reached it waits and begins anew, for as long as the options' patience lasts. What an
    /// attempt takes over a connection is not counted: a reserve may have waited for long before its manager died.
    ///
    /// - Parameters:
    ///   - first: the manager to begin with, where it was picked already.
    ///   - attempt: does the request at the manager of this number.
    /// - Returns: what the attempt returned that did it.
    /// - Throws: ``ClientError``: that of an attempt that failed for good; the last refusal;
    ///   ``ClientError/Code/noManagerReachable``; ``ClientError/Code/cancelled``.
    func withManagers<Value: Sendable>(
        beginningWith first: Int? = nil,
        _ attempt: (Int) async -> Attempt<Value>
    ) async throws(ClientError) -> Value {
        var patience = options.patience
        var rounds = 0
        var picked = first
        while true {
            var refusal: ClientError?
            let isLastRound = patience <= .zero
            let order = picked.map(order(beginningWith:)) ?? order()
            picked = nil
            for index in order where isLastRound || isDue(index) {
                guard !Task.isCancelled else { throw ClientError(.cancelled, "the task was cancelled") }
                let start = options.timekeeper.now()
                switch await attempt(index) {
                case .done(let value):
                    worked(index)
                    return value
                case .failed(let error):
                    throw error
                case .elsewhere(let error):
                    if error.code == .notConnected {
                        patience -= options.timekeeper.now() - start
                    } else {
                        refusal = error
                    }
                    options.logger.debug("trying elsewhere", metadata: ["reason": "\(error)"])
                }
            }

            guard isAnyManagerKnown, !isLastRound else { throw refusal ?? unreachable() }
            var delay = untilDue()
            if delay == .zero {
                let random = Double(options.randomNumber(1000)) / 1000
                delay = options.retryDelay.duration(before: rounds, random: random)
                rounds += 1
            }
            delay = min(delay, max(patience, .zero))
            patience -= delay
            try await wait(delay)
        }
    }

    /// Waits; throws where the task is cancelled.
    func wait(_ delay: Duration) async throws(ClientError) {
        do {
            try await options.timekeeper.sleep(delay)
        } catch {
            throw ClientError(.cancelled, "the task was cancelled")
        }
    }
}
