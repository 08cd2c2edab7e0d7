/// Decides what a service manager is told, and when: the state machine of sd_notify(3), without I/O.
///
/// The caller calls ``messages(at:_:)`` after each change and about once per second.
struct ServiceState {
    /// What the manager does.
    enum Phase: Equatable {
        case starting
        case serving(address: String)
        case draining(address: String)
        case stopping
    }

    /// How long a start or a stop that waits is given with each message.
    static let extraTime = Duration.seconds(30)

    /// How often such a message is sent.
    private static let extensionInterval = Duration.seconds(5)

    /// A wait is shown from this length on, and its length in steps of this.
    private static let shownWait = Duration.seconds(5)

    private(set) var phase = Phase.starting
    private let watchdogInterval: Duration?
    private var loops: [LoopWatch] = []
    private var pending: [String] = []
    private var saidStatus = ""
    private var lastPing: ContinuousClock.Instant?
    private var lastExtension: ContinuousClock.Instant?

    /// Makes the state of a manager that starts.
    ///
    /// - Parameter watchdog: the time after which the service manager kills a service that does not ping; nil if there
    ///   is no watchdog. A ping is sent in each third of it.
    init(watchdog: Duration?) {
        watchdogInterval = watchdog.map { $0 / 3 }
    }

    /// Notes that the manager accepts connections.
    mutating func didStart(address: String) {
        guard phase == .starting else { return }
        phase = .serving(address: address)
        pending.append("READY=1")
    }

    /// Notes that the manager refuses new tasks from now on.
    mutating func didBeginToDrain() {
        guard case .serving(let address) = phase else { return }
        phase = .draining(address: address)
    }

    /// Notes that the manager reads its files again.
    ///
    /// - Parameter monotonicMicroseconds: the time of `CLOCK_MONOTONIC`, which systemd asks for.
    mutating func didBeginToReload(monotonicMicroseconds: UInt64) {
        pending.append("RELOADING=1\nMONOTONIC_USEC=\(monotonicMicroseconds)")
    }

    /// Notes that the manager has read its files again, or has kept the old ones.
    mutating func didReload() {
        pending.append("READY=1")
    }

    /// Notes that the manager ends.
    mutating func didBeginToStop() {
        guard phase != .stopping else { return }
        phase = .stopping
        pending.append("STOPPING=1")
    }

    /// Returns the messages that are due, each for one datagram.
    ///
    /// - Parameters:
    ///   - now: the present time.
    ///   - readings: the event loops, always in the same order. There may be fewer while the manager starts.
    /// - Returns: the messages, in order.
    mutating func messages(at now: ContinuousClock.Instant, _ readings: [LoopReading]) -> [String] {
        while loops.count < readings.count { loops.append(LoopWatch(at: now)) }
        for (index, reading) in readings.enumerated() { loops[index].note(reading, at: now) }
        var messages = pending
        pending = []
        let status = status(at: now)
        if status != saidStatus {
            saidStatus = status
            messages.append("STATUS=\(status)")
        }
        if mustExtend(at: now) {
            lastExtension = now
            messages.append("EXTEND_TIMEOUT_USEC=\(Self.extraTime.components.seconds * 1_000_000)")
        }
        if mustPing(at: now) {
            lastPing = now
            messages.append("WATCHDOG=1")
        }
        return messages
    }

    /// The longest wait of a loop.
    private var longestWait: LoopWatch? {
        loops.filter { $0.waitingSince != nil }
            .min { ($0.waitingSince ?? .now) < ($1.waitingSince ?? .now) }
    }

    private func status(at now: ContinuousClock.Instant) -> String {
        var text =
            switch phase {
            case .starting: "Starting"
            case .serving(let address): "Serving at \(address)"
            case .draining(let address): "Draining at \(address): new tasks are refused"
            case .stopping: "Stopping"
            }
        if let wait = longestWait, let since = wait.waitingSince, let reason = wait.waitsFor {
            let steps = (now - since).components.seconds / Self.shownWait.components.seconds
            if steps > 0 {
                text += "; waiting for \(reason) for \(steps * Self.shownWait.components.seconds) s"
            }
        }
        if loops.contains(where: { $0.hangs(at: now) }) { text += "; an event loop hangs" }
        return text
    }

    /// Whether the service manager has to be told that starting or stopping takes longer.
    private func mustExtend(at now: ContinuousClock.Instant) -> Bool {
        guard phase == .starting || phase == .stopping, longestWait != nil else { return false }
        guard let lastExtension else { return true }
        return now - lastExtension >= Self.extensionInterval
    }

    private func mustPing(at now: ContinuousClock.Instant) -> Bool {
        guard let watchdogInterval, !loops.contains(where: { $0.hangs(at: now) }) else { return false }
        guard let lastPing else { return true }
        return now - lastPing >= watchdogInterval
    }
}
