internal import BeanstalkWire
internal import TaskStore

/// All sessions of a manager, and the way from their commands to operations and from outcomes to their answers.
///
/// It does no I/O and reads no clock. It joins three parts: ``SessionRegistry`` with the sessions and those that wait,
/// ``BatchBuilder``, and ``OutcomeReplies``. The engine calls it on its event loop, in this order, again and again:
///
/// 1. events: the functions of ``sessions``, such as ``SessionRegistry/open(_:)`` and
///    ``SessionRegistry/receive(_:from:)``;
/// 2. ``makeBatch(at:)`` turns all that can be done now into operations;
/// 3. the store runs them; ``apply(_:late:at:moreToClaim:)`` or ``fail(with:at:)`` turns the outcomes into answers;
/// 4. ``SessionRegistry/takeAnswered()`` names the sessions whose ``Session/replies`` are to be written.
///
/// Between 2 and 3 only the functions of 1 may be called.
struct SessionTable {
    var sessions = SessionRegistry()
    private(set) var builder: BatchBuilder
    private var replies: OutcomeReplies

    /// Makes a table without sessions.
    ///
    /// - Parameters:
    ///   - limits: the bounds on one batch.
    ///   - process: returns the figures of the process, in which the statistics of sessions are not filled in yet.
    init(limits: BatchLimits = BatchLimits(), process: @escaping (SessionRegistry) -> ProcessStatistics) {
        builder = BatchBuilder(limits)
        replies = OutcomeReplies(process: process)
    }

    /// Sets the bound on the answers of the next batch.
    ///
    /// - Parameter bytes: the bytes of answers with bodies that one session may get; at least one such answer.
    mutating func bound(bytesOfAnswers bytes: Int) {
        builder.bytesForOne = bytes
    }

    /// Returns operations for all that can be done now.
    mutating func makeBatch(at now: Moment) -> [Operation] {
        builder.build(from: &sessions, at: now)
    }

    /// Turns the outcomes of the last batch into answers.
    ///
    /// - Parameters:
    ///   - outcomes: one outcome per operation of the batch, in order.
    ///   - late: the result of the renewal of claims.
    ///   - now: the time when the answers leave; the time to run of the claims in them counts from it.
    ///   - tubes: the subscribed tubes in which the batch has left more to claim; `nil` if that is not known.
    mutating func apply(
        _ outcomes: [Outcome],
        late: LateClaims? = nil,
        at now: Moment,
        moreToClaim tubes: [TubeName]? = nil
    ) {
        replies.apply(outcomes, late: late, of: &builder.batch, to: &sessions, at: now)
        builder.bytesOfList = replies.bytesOfList
        sessions.waiters.endBatch(moreToClaim: tubes)
        builder.batch.forgetEntries()
    }

    /// Notes that the last batch failed as a whole; see ``OutcomeReplies/fail(_:with:to:at:)``.
    mutating func fail(with answer: Reply?, at now: Moment) {
        sessions.waiters.endFailedBatch()
        replies.fail(&builder.batch, with: answer, to: &sessions, at: now)
        builder.batch.forgetEntries()
    }

    /// Whether a batch would have something to do now.
    var hasWork: Bool {
        !sessions.ready.isEmpty || !sessions.ended.isEmpty || !sessions.waiters.wakes.isEmpty
            || builder.batch.rest == .overdueClaims
    }

    /// Whether there is work for which other sessions wait: claims to release, and tasks for sessions that were woken.
    var isUrgent: Bool { !sessions.ended.isEmpty || !sessions.waiters.wakes.isEmpty }

    /// Whether more had arrived than the last batch had room for.
    var isTruncated: Bool { builder.batch.rest > .nothing }
}
