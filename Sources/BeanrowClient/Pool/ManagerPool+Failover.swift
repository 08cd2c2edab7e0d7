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
    /// refused or none could be reached it waits and begins anew, for as long as the options' patience lasts.
    ///
    /// - Parameter attempt: does the request at the manager of this number.
    /// - Throws: ``ClientError``: that of an attempt that failed for good; the last refusal;
    ///   ``ClientError/Code/noManagerReachable``; ``ClientError/Code/cancelled``.
    func withManagers<Value: Sendable>(
        _ attempt: (Int) async -> Attempt<Value>
    ) async throws(ClientError) -> Value {
        let timekeeper = options.timekeeper
        let start = timekeeper.now()
        var refusal: ClientError?
        var wasTried = false
        var rounds = 0
        while true {
            let left = options.patience - (timekeeper.now() - start)
            guard left > .zero || !wasTried else { throw refusal ?? unreachable() }

            for index in order() where left <= .zero || isDue(index) {
                guard !Task.isCancelled else { throw ClientError(.cancelled, "the task was cancelled") }
                wasTried = true
                switch await attempt(index) {
                case .done(let value):
                    worked(index)
                    return value
                case .failed(let error):
                    throw error
                case .elsewhere(let error):
                    if error.code != .notConnected {
                        refusal = error
                    }
                    options.logger.debug("trying elsewhere", metadata: ["reason": "\(error)"])
                }
            }

            var delay = untilDue()
            if refusal != nil {
                let random = Double(options.randomNumber(1000)) / 1000
                delay = max(delay, options.retryDelay.duration(before: rounds, random: random))
            }
            rounds += 1
            let rest = options.patience - (timekeeper.now() - start)
            try await wait(min(delay, max(rest, .zero)))
        }
    }

    private func wait(_ delay: Duration) async throws(ClientError) {
        do {
            try await options.timekeeper.sleep(delay)
        } catch {
            throw ClientError(.cancelled, "the task was cancelled")
        }
    }
}
