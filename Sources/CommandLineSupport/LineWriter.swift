internal import Dispatch
internal import Glibc
internal import Synchronization
internal import SystemThread

/// Writes lines to a file descriptor on its own thread, so that the caller never waits for the reader.
///
/// Lines wait in a bounded queue. If the queue is full, a line is dropped and counted. As soon as there is room again,
/// a line says how many were dropped.
///
/// The descriptor is not set to `O_NONBLOCK`, since other processes may share it. `SIGPIPE` must be ignored
/// (``CommandStart``).
///
/// All methods may be called from any thread.
public final class LineWriter: Sendable {
    /// The process's standard error.
    public static let standardError = LineWriter(descriptor: STDERR_FILENO)

    private struct State {
        var queue: [UInt8] = []
        var queuedLines = 0
        var isWriting = false

        /// Lines dropped since the last line that said how many.
        var unsaid = 0
        var dropped = 0
        var flushing: [DispatchSemaphore] = []

        var isDone: Bool { queue.isEmpty && !isWriting }

        mutating func drop(_ lines: Int) {
            unsaid += lines
            dropped += lines
        }
    }

    private let descriptor: CInt
    private let capacity: Int
    private let notice: @Sendable (Int) -> String
    private let onFailure: @Sendable (OutputFile.Failure) -> Void
    private let state = Mutex(State())
    private let news = DispatchSemaphore(value: 0)

    /// Starts a thread that writes to a descriptor.
    ///
    /// The thread and the object exist until the process ends.
    ///
    /// - Parameters:
    ///   - descriptor: the descriptor to write to. It is never closed.
    ///   - capacity: the size of the queue in bytes.
    ///   - notice: returns the line that says how many lines were dropped.
    ///   - onFailure: called on the thread when a write fails. The lines in that write count as dropped. Called on the
    ///     caller's thread if the thread cannot be started.
    public init(
        descriptor: CInt,
        capacity: Int = 1 << 18,
        notice: @escaping @Sendable (Int) -> String = LineWriter.notice,
        onFailure: @escaping @Sendable (OutputFile.Failure) -> Void = { _ in }
    ) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.notice = notice
        self.onFailure = onFailure
        do {
            try SystemThread.detach { [self] in run() }
        } catch {
            // The lines stay in the queue, and those that find it full are counted as dropped.
            onFailure(OutputFile.Failure(code: error.code))
        }
    }

    /// Returns the usual line that says how many lines were dropped.
    @Sendable
    public static func notice(_ count: Int) -> String {
        "\(Formatting.count(count, "log line")) \(count == 1 ? "was" : "were") dropped"
    }

    /// The number of lines dropped since the start.
    public var dropped: Int { state.withLock { $0.dropped } }

    /// Whether the thread is in a write, which may wait for the reader.
    var isWriting: Bool { state.withLock { $0.isWriting } }

    /// Adds text to the queue, or drops it if the queue is full.
    ///
    /// - Parameter text: one line or several, with the line ends.
    public func write(_ text: String) {
        enqueue(text, evenIfFull: false)
    }

    /// Writes the last line before the process ends, also if the queue is full.
    ///
    /// - Parameters:
    ///   - text: the line, with its end.
    ///   - limit: the longest time to wait for the write.
    public func writeLast(_ text: String, within limit: Duration = .seconds(1)) {
        enqueue(text, evenIfFull: true)
        flush(within: limit)
    }

    /// Waits until the queue is empty, and blocks the calling thread.
    ///
    /// - Parameter limit: the longest time to wait.
    /// - Returns: whether all lines were written or dropped in time.
    @discardableResult
    public func flush(within limit: Duration = .seconds(1)) -> Bool {
        let done = DispatchSemaphore(value: 0)
        let isDone = state.withLock { state in
            if !state.isDone { state.flushing.append(done) }
            return state.isDone
        }
        return isDone || done.wait(timeout: .now() + limit / .seconds(1)) == .success
    }

    private func enqueue(_ text: String, evenIfFull: Bool) {
        let bytes = text.utf8
        state.withLock { state in
            guard evenIfFull || state.queue.count + bytes.count <= capacity else { return state.drop(1) }
            state.queue.append(contentsOf: bytes)
            state.queuedLines += 1
        }
        news.signal()
    }

    private func run() {
        while true {
            news.wait()
            let chunk = state.withLock { state -> (bytes: [UInt8], lines: Int, said: Int) in
                defer {
                    state.queue = []
                    state.queuedLines = 0
                    state.unsaid = 0
                }
                state.isWriting = !state.queue.isEmpty
                return (state.queue, state.queuedLines, state.unsaid)
            }
            guard !chunk.bytes.isEmpty else { continue }
            let said = chunk.said > 0 ? Array("\(notice(chunk.said))\n".utf8) : []
            let failure = OutputFile.writeAll(chunk.bytes + said, to: descriptor)
            let flushed = state.withLock { state -> [DispatchSemaphore] in
                state.isWriting = false
                if failure != nil {
                    state.drop(chunk.lines)
                    state.unsaid += chunk.said
                }
                guard state.isDone else { return [] }
                defer { state.flushing = [] }
                return state.flushing
            }
            for flush in flushed { flush.signal() }
            if let failure { onFailure(failure) }
        }
    }
}
