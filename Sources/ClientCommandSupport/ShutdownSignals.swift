internal import UnixSignals

/// The state of SIGINT and SIGTERM: the first signal stops a command, the second stops it at once.
public struct ShutdownSignals: Sendable {
    /// Set by the first signal, or by the command when it has finished.
    public let stop: StopSignal

    /// Set by the second signal.
    public let atOnce = StopSignal()

    /// Creates a state in which nothing is requested.
    public init(stop: StopSignal = StopSignal()) {
        self.stop = stop
    }

    /// Runs some work, and cancels it at the second signal.
    ///
    /// - Parameter work: the work.
    public func cancelAtOnce(_ work: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask(operation: work)
            group.addTask { await atOnce.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Catches signals while some work runs.
    ///
    /// - Parameter work: the work.
    /// - Returns: the value of the work.
    public func watch<Value>(during work: () async -> Value) async -> Value {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var count = 0
                for await _ in signals {
                    count += 1
                    (count == 1 ? stop : atOnce).set()
                }
            }
            let value = await work()
            group.cancelAll()
            return value
        }
    }
}
