internal import TaskStore

/// The claims that a batch has made or extended, between the commit and the answer.
///
/// A claim lasts from the time in its row. The answer may be late because the batch waited for a lock, was tried again,
/// or had a slow sync. Then the client would have less than its time to run, or none. So the claims are renewed until
/// the answer can leave at once. A task whose claim has ended since was never handed out.
struct LateClaims {
    /// One claim, and the operation of the batch that has made or extended it.
    private struct Claim {
        var operation: Int
        var session: SessionID
        var task: TaskID
    }

    private var claims: [Claim] = []
    private var since: ContinuousClock.Instant
    private let tolerance: Duration

    /// The number of claims that have ended since the batch, by operation.
    private(set) var lost: [Int: Int] = [:]

    /// The operations whose claims could not be renewed, so that their deadlines are not known.
    private(set) var uncertain: Set<Int> = []

    /// The number of renewals so far.
    private var rounds = 0

    /// Whether the last renewal has left out claims, since another transaction has locked their tasks.
    ///
    /// After a pause they are tried again.
    private(set) var isLocked = false

    /// The most renewals.
    ///
    /// If each of them was too slow, the store cannot renew claims.
    static let mostRounds = 50

    /// In how many of them a task may be locked.
    ///
    /// With the pauses between them this is some 150 ms: other sessions wait for the answers too.
    static let mostLockedRounds = 15

    /// Finds the claims of a batch.
    ///
    /// - Parameters:
    ///   - operations: the batch.
    ///   - outcomes: the outcomes of the batch.
    ///   - since: when the time in the rows was read, or a little earlier.
    ///   - tolerance: the greatest age of that time when the answer leaves.
    init(
        _ operations: [Operation],
        _ outcomes: [Outcome],
        since: ContinuousClock.Instant,
        tolerance: Duration
    ) {
        self.since = since
        self.tolerance = tolerance
        // From the last operation to the first: a claim that a later operation of the same batch has ended is not
        // renewed.
        var ended: Set<TaskID> = []
        for (index, outcome) in outcomes.enumerated().reversed() {
            switch (outcome, operations[index].action) {
            case (.claimed(let tasks), _):
                for task in tasks.reversed() { add(task.id, index, operations, except: ended) }
            case (.touched, .touch(let task)):
                add(task, index, operations, except: ended)
            case (.deleted, .delete(let task)), (.released, .release(let task, _, _)), (.buried, .bury(let task, _)),
                (.released, .expire(let task)):
                ended.insert(task)
            default:
                break
            }
        }
        claims.reverse()
    }

    private mutating func add(_ task: TaskID, _ index: Int, _ operations: [Operation], except ended: Set<TaskID>) {
        guard !ended.contains(task) else { return }
        claims.append(Claim(operation: index, session: operations[index].session, task: task))
    }

    /// Whether there is nothing to renew and nothing was lost.
    var isEmpty: Bool { claims.isEmpty && lost.isEmpty && uncertain.isEmpty }

    /// Returns whether there are claims, and the time in their rows is too old for an answer that leaves now.
    func areLate(at now: ContinuousClock.Instant) -> Bool {
        !claims.isEmpty && (isLocked || now - since > tolerance)
    }

    /// The operations that renew the claims.
    var renewals: [Operation] {
        claims.map { Operation(session: $0.session, action: .touch($0.task)) }
    }

    /// Notes the outcomes of ``renewals``.
    ///
    /// - Parameters:
    ///   - renewed: their outcomes.
    ///   - since: when the time in the rows was read, or a little earlier.
    ///   - outcomes: the outcomes of the batch. Tasks that are not held any more are removed from them.
    mutating func note(
        _ renewed: [Outcome],
        since: ContinuousClock.Instant,
        in outcomes: inout [Outcome]
    ) {
        self.since = since
        rounds += 1
        isLocked = false
        var held: [Claim] = []
        for (claim, outcome) in zip(claims, renewed) {
            guard outcome != .touched else {
                held.append(claim)
                continue
            }
            // Another transaction has locked the task: most often a peer's claim that looked at it, for a few milliseconds.
            if outcome == .locked || outcome == .deferred, rounds < Self.mostLockedRounds {
                held.append(claim)
                isLocked = true
                continue
            }
            if outcome == .locked || outcome == .deferred || outcome == .failed {
                // Another program has locked the task. It is held, but it must not be handed out with less than its
                // time to run.
                uncertain.insert(claim.operation)
                continue
            }
            lost[claim.operation, default: 0] += 1
            switch outcomes[claim.operation] {
            case .claimed(let tasks): outcomes[claim.operation] = .claimed(tasks.filter { $0.id != claim.task })
            case .touched: outcomes[claim.operation] = .notFound
            default: break
            }
            if outcome == .superseded { outcomes[claim.operation] = .superseded }
        }
        claims = held
        if rounds >= Self.mostRounds { giveUp() }
    }

    /// Ends the renewal, since the store could not do it.
    mutating func giveUp() {
        uncertain.formUnion(claims.map(\.operation))
        claims = []
        isLocked = false
    }
}
