import TaskStore

/// A batch of what there is most of, as `run_plain_batch_2` takes it: puts, deletes of tasks in hand, claims of one tube.
///
/// Managers order what different clients ask for in this way, so under load most batches are of this kind. See
/// `functions-plain-batch.sql`, and ``BatchPlan`` for everything else.
struct PlainBatch {
    private var puts: Range<Int>?
    private var deletes: Range<Int>?
    private var claims: Range<Int>?

    /// Finds out whether a batch is of this kind; nothing where it is not.
    ///
    /// - Parameter plan: the batch; its ``BatchPlan/isHopeful`` holds here too.
    init?(_ plan: BatchPlan) {
        guard !plan.locksTubes, plan.firstLock.isEmpty else { return nil }
        var start = 0
        while start < plan.ends.count {
            let range = start..<Int(plan.ends[start])
            guard plan.isPlain(range) else { return nil }
            switch plan.kind(of: start) {
            case .put where puts == nil && deletes == nil && claims == nil: puts = range
            case .delete where deletes == nil && claims == nil: deletes = range
            case .claim where claims == nil: claims = range
            default: return nil
            }
            start = range.upperBound
        }
        guard start > 0 else { return nil }
    }

    /// The parameters of ``Statement/runPlainBatch``.
    ///
    /// - Parameters:
    ///   - plan: what this was made from.
    ///   - now: what time it is; none for the server's own clock.
    /// - Returns: the parameters, in order.
    func parameters(_ plan: BatchPlan, at now: Timestamp?) -> Parameters {
        plan.plainParameters(puts: puts, deletes: deletes, claims: claims, at: now)
    }
}
