internal import ClientCommandSupport

/// How many tasks may still be taken, and when it is enough; shared by all who take.
///
/// Whoever takes asks for a permit first, so that no more tasks are ever claimed than were asked for.
actor TakingPlan {
    /// When the consumer has done what it was asked.
    enum Goal: Sendable, Equatable {
        /// Never; it goes on until it is stopped.
        case none

        /// When this many tasks were taken.
        case count(Int)

        /// When nothing is pending, and nothing of its own is in hand or waits for its next attempt.
        case untilEmpty
    }

    /// Leave to take some tasks, to be answered with ``took(_:with:)``.
    struct Permit: Sendable {
        /// The most tasks to take; 1 or more.
        let count: Int

        /// Whether it is for one who waits, so that nothing may come of it for long.
        let isToWait: Bool
    }

    /// How long a task whose claim was lost may take to be pending again: its manager's peers have to notice its death.
    static let timeToComeBack = Duration.seconds(3)

    private static let longTime = Duration.seconds(3600)

    /// Set when nothing more is to be taken.
    nonisolated let stop: StopSignal

    /// Whether it ended since there was nothing more to take.
    private(set) var wasEmpty = false

    private let goal: Goal
    private var left: Int?
    private var asking = 0
    private var waiting = 0
    private var inHand = 0
    private var lastRetry: Duration?
    private var held: [CheckedContinuation<Void, Never>] = []

    /// Begins with nothing taken.
    init(goal: Goal, stop: StopSignal) {
        self.goal = goal
        self.stop = stop
        if case .count(let count) = goal { left = count }
    }

    /// Asks to take tasks; where others may still give back what they were permitted it waits for that.
    ///
    /// - Parameters:
    ///   - wanted: the most tasks that are of use; 1 or more.
    ///   - isToWait: whether the one who asks is going to wait for a task.
    /// - Returns: nothing where it is over.
    func permit(upTo wanted: Int, toWait isToWait: Bool = false) async -> Permit? {
        while !stop.isSet {
            let count = min(wanted, left ?? wanted)
            if count > 0 {
                left = left.map { $0 - count }
                if isToWait { waiting += 1 } else { asking += 1 }
                return Permit(count: count, isToWait: isToWait)
            }
            if asking + waiting == 0 { return nil }
            await withCheckedContinuation { held.append($0) }
        }
        return nil
    }

    /// Says what came of a permit.
    func took(_ count: Int, with permit: Permit) {
        if permit.isToWait { waiting -= 1 } else { asking -= 1 }
        inHand += count
        left = left.map { $0 + permit.count - count }
        let held = held
        self.held = []
        for continuation in held {
            continuation.resume()
        }
    }

    /// Says that tasks are not in hand any more.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - nextAttempt: when the task becomes pending again, if it was given back or lost; on the caller's clock.
    func finished(_ count: Int, nextAttempt: Duration? = nil) {
        inHand -= count
        if let nextAttempt {
            lastRetry = max(lastRetry ?? nextAttempt, nextAttempt)
        }
    }

    /// Says that there was nothing pending a moment ago, and asks whether to wait for more.
    ///
    /// Where others have tasks in hand one waits as well: the last of them to find nothing ends it for all.
    ///
    /// - Parameter now: the time on the caller's clock.
    /// - Returns: how long to wait at the most before looking again; nothing where it is over.
    func waitingTime(at now: Duration) -> Duration? {
        guard !stop.isSet else { return nil }
        guard goal == .untilEmpty else { return Self.longTime }
        if inHand > 0 || asking > 0 { return Self.longTime }
        if let lastRetry, lastRetry > now { return lastRetry - now }
        wasEmpty = true
        stop.set()
        return nil
    }
}
