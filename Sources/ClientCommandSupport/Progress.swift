public import CommandLineSupport

/// Shows the progress of long work in one line on a terminal, which is rewritten at an interval.
public struct Progress: Sendable {
    private let file: OutputFile
    private let interval: Duration

    /// Creates a line on standard error.
    ///
    /// - Parameters:
    ///   - file: the file to write to. If it is no terminal, nothing is written.
    ///   - interval: the time between two lines.
    public init(on file: OutputFile = .standardError, every interval: Duration = .seconds(1)) {
        self.file = file
        self.interval = interval
    }

    /// Shows a line during some work, and removes it at the end.
    ///
    /// - Parameters:
    ///   - text: returns the line; called at each interval.
    ///   - work: the work.
    /// - Returns: the value of the work.
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
