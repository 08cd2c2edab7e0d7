internal import UnixSignals

/// SIGINT and SIGTERM as a command takes them: the first asks it to come to an end, the next to do so at once.
public struct Interruption: Sendable {
    /// Set by the first signal, or by the command when it has enough.
    public let stop: StopSignal

    /// Set by the second signal.
    public let atOnce = StopSignal()

    /// Makes one that was not asked yet.
    public init(stop: StopSignal = StopSignal()) {
        self.stop = stop
    }

    /// Does some work and cancels it when it shall end at once.
    ///
    /// - Parameter work: what to do.
    public func cancelAtOnce(_ work: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask(operation: work)
            group.addTask { await atOnce.wait() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Does some work while signals are caught.
    ///
    /// - Parameter work: what to do.
    /// - Returns: what the work returned.
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
