internal import ClientCommandSupport

/// The number of tasks that a run may still fetch. All workers share it, and it decides when the run is over.
///
/// A worker gets a reservation before it fetches, so that the run never claims more tasks than `--count`.
actor FetchBudget {
    /// When the run is over.
    enum Goal: Sendable, Equatable {
        /// When it is stopped.
        case none

        /// When this number of tasks was fetched.
        case count(Int)

        /// When no task is pending, and no task of this run is claimed or waits for its next attempt.
        case untilEmpty
    }

    /// The permission to fetch some tasks.
    ///
    /// End it with ``settle(_:with:)``.
    struct Reservation: Sendable {
        /// The most tasks to fetch; 1 or more.
        let count: Int

        /// Whether the worker waits for a task, so that the reservation may last long.
        let isForWaiting: Bool
    }

    /// The time after which a task with a lost claim is pending again.
    ///
    /// Managers need up to 2 s to notice that one died.
    static let lostClaimDelay = Duration.seconds(3)

    private static let longestWait = Duration.seconds(3600)

    /// Set when the run fetches no more tasks.
    nonisolated let stop: StopSignal

    /// Whether the run is over because there were no more tasks.
    private(set) var wasEmpty = false

    private let goal: Goal
    private var left: Int?
    private var asking = 0
    private var waiting = 0
    private var claimed = 0
    private var lastRetry: Duration?
    private var blocked: [CheckedContinuation<Void, Never>] = []

    /// Starts a run.
    init(goal: Goal, stop: StopSignal) {
        self.goal = goal
        self.stop = stop
        if case .count(let count) = goal { left = count }
    }

    /// Returns a reservation.
    ///
    /// If the budget is used up, waits until other workers have settled theirs.
    ///
    /// - Parameters:
    ///   - wanted: the most tasks to fetch; 1 or more.
    ///   - isForWaiting: whether the worker is going to wait for a task.
    /// - Returns: the reservation, or `nil` if the run is over.
    func reserve(upTo wanted: Int, forWaiting isForWaiting: Bool = false) async -> Reservation? {
        while !stop.isSet {
            let count = min(wanted, left ?? wanted)
            if count > 0 {
                left = left.map { $0 - count }
                if isForWaiting { waiting += 1 } else { asking += 1 }
                return Reservation(count: count, isForWaiting: isForWaiting)
            }
            if asking + waiting == 0 { return nil }
            await withCheckedContinuation { blocked.append($0) }
        }
        return nil
    }

    /// Ends a reservation, and records the number of tasks that were fetched with it.
    func settle(_ count: Int, with reservation: Reservation) {
        if reservation.isForWaiting { waiting -= 1 } else { asking -= 1 }
        claimed += count
        left = left.map { $0 + reservation.count - count }
        let resumed = blocked
        blocked = []
        for continuation in resumed {
            continuation.resume()
        }
    }

    /// Records that tasks are finished.
    ///
    /// - Parameters:
    ///   - count: the number of tasks.
    ///   - nextAttempt: when the task becomes pending again, on the caller's clock. `nil` if it was not released or
    ///     lost.
    func finished(_ count: Int, nextAttempt: Duration? = nil) {
        claimed -= count
        if let nextAttempt {
            lastRetry = max(lastRetry ?? nextAttempt, nextAttempt)
        }
    }

    /// Returns how long a worker waits that has found no pending task.
    ///
    /// While another worker has tasks, the caller waits as well. The last worker that finds no task ends the run.
    ///
    /// - Parameter now: the time on the caller's clock.
    /// - Returns: the longest wait before the worker fetches again; `nil` if the run is over.
    func waitingTime(at now: Duration) -> Duration? {
        guard !stop.isSet else { return nil }
        guard goal == .untilEmpty else { return Self.longestWait }
        if claimed > 0 || asking > 0 { return Self.longestWait }
        if let lastRetry, lastRetry > now { return lastRetry - now }
        wasEmpty = true
        stop.set()
        return nil
    }
}
