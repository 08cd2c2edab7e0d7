public import CommandLineSupport

/// One line on a terminal that is written anew now and then, to show how far long work has come.
public struct Progress: Sendable {
    private let file: OutputFile
    private let interval: Duration

    /// Makes a line on standard error.
    ///
    /// - Parameters:
    ///   - file: where to; nothing is written where it is no terminal.
    ///   - interval: how often.
    public init(on file: OutputFile = .standardError, every interval: Duration = .seconds(1)) {
        self.file = file
        self.interval = interval
    }

    /// Shows a line during some work and takes it away at its end.
    ///
    /// - Parameters:
    ///   - text: what to show; asked at each interval.
    ///   - work: what to do.
    /// - Returns: what the work returned.
    public func show<Value>(
        _ text: @escaping @Sendable () async -> String,
        during work: () async -> Value
    ) async -> Value {
        guard file.isTerminal else { return await work() }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var wasShown = false
                while (try? await Task.sleep(for: interval)) != nil {
                    wasShown = true
                    await file.write("\r\u{1B}[K" + text())
                }
                if wasShown { await file.write("\r\u{1B}[K") }
            }
            let value = await work()
            group.cancelAll()
            return value
        }
    }
}
