internal import Dispatch
internal import Glibc
internal import Synchronization
internal import SystemThread

/// Tells the service manager, such as systemd, how the process does: the protocol of sd_notify(3).
///
/// Messages are sent on a thread of its own, which also answers the watchdog as long as all event loops turn or wait for
/// the store. Without a service manager nothing is done.
///
/// All methods may be called from any thread and return at once.
public final class ServiceNotifier: Sendable {
    private let socket: NotifySocket?
    private let state: Mutex<ServiceState>
    private let readings: @Sendable () -> [LoopReading]
    private let news = DispatchSemaphore(value: 0)

    /// How often the event loops are read, in seconds.
    private let tick: Double

    /// The state of sending the last messages.
    private let flushes = Mutex<[DispatchSemaphore]>([])

    /// Makes a notifier, and starts its thread if a service manager waits for messages.
    ///
    /// - Parameters:
    ///   - environment: returns the value of an environment variable; `NOTIFY_SOCKET`, `WATCHDOG_USEC` and
    ///     `WATCHDOG_PID` are read.
    ///   - readings: reads the event loops, in the same order each time. Called on the thread.
    public init(
        environment: (String) -> String? = ServiceNotifier.environment,
        readings: @escaping @Sendable () -> [LoopReading]
    ) {
        self.readings = readings
        socket = environment("NOTIFY_SOCKET").flatMap { NotifySocket(address: $0) }
        let watchdog = Self.watchdog(environment)
        state = Mutex(ServiceState(watchdog: watchdog))
        tick = min(1, (watchdog ?? .seconds(4)) / 4 / .seconds(1))
        guard socket != nil else { return }
        // Without the thread the service manager learns nothing, and ends this process.
        try? SystemThread.detach { [self] in run() }
    }

    /// Returns the value of a variable of the process's environment; nil if it is not set.
    @Sendable
    public static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Says that the process accepts connections.
    public func didStart(address: String) { note { $0.didStart(address: address) } }

    /// Says that new tasks are refused from now on.
    public func didBeginToDrain() { note { $0.didBeginToDrain() } }

    /// Says that the process reads its files again.
    public func didBeginToReload() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
        note { $0.didBeginToReload(monotonicMicroseconds: microseconds) }
    }

    /// Says that the files have been read again, or that the old ones are kept.
    public func didReload() { note { $0.didReload() } }

    /// Says that the process ends.
    public func didBeginToStop() { note { $0.didBeginToStop() } }

    /// Waits until what was said before has been sent, and blocks the calling thread.
    ///
    /// - Parameter limit: the longest time to wait.
    public func flush(within limit: Duration = .seconds(1)) {
        guard socket != nil else { return }
        let done = DispatchSemaphore(value: 0)
        flushes.withLock { $0.append(done) }
        news.signal()
        _ = done.wait(timeout: .now() + limit / .seconds(1))
    }

    private func note(_ change: (inout ServiceState) -> Void) {
        state.withLock { change(&$0) }
        news.signal()
    }

    private func run() {
        while true {
            _ = news.wait(timeout: .now() + tick)
            let waiting = flushes.withLock { flushes in
                defer { flushes = [] }
                return flushes
            }
            let loops = readings()
            let messages = state.withLock { $0.messages(at: .now, loops) }
            for message in messages { socket?.send(message) }
            for flush in waiting { flush.signal() }
        }
    }

    /// Returns the watchdog's time, if it is meant for this process.
    private static func watchdog(_ environment: (String) -> String?) -> Duration? {
        let value = environment("WATCHDOG_USEC").flatMap { Int64($0) }
        guard let microseconds = value, microseconds > 0 else { return nil }
        if let process = environment("WATCHDOG_PID"), process != "\(getpid())" { return nil }
        return .microseconds(microseconds)
    }
}
