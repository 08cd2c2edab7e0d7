import TaskStore

/// A batch of the most common operations, as `run_fast_path_2` takes it: puts, then deletes of tasks that the sessions
/// hold, then claims from one tube.
///
/// Managers put the commands of different clients into this order, so under load most batches take the fast path. See
/// `functions-fast-path.sql`, and ``BatchPlan`` for all other batches.
struct FastPath {
    private let plan: BatchPlan
    private var puts = 0..<0
    private var deletes = 0..<0
    private var claims = 0..<0

    /// Returns nil if the batch cannot take the fast path.
    init?(_ plan: BatchPlan) {
        self.plan = plan
        guard !plan.locksTubes, plan.firstLock.isEmpty, !plan.operations.isEmpty else { return nil }
        var start = 0
        while start < plan.operations.count {
            let range = plan.range(at: start)
            guard plan.operations[range].allSatisfy({ !$0.runsAlone && !$0.mayMoveEvents }) else { return nil }
            switch plan.operations[start].kind {
            case .put where puts.isEmpty && deletes.isEmpty && claims.isEmpty: puts = range
            case .delete where deletes.isEmpty && claims.isEmpty: deletes = range
            case .claim where claims.isEmpty && plan.operations[start].tubes.count == 1: claims = range
            default: return nil
            }
            start = range.upperBound
        }
    }

    /// Returns the parameters of ``Statement/runFastPath``.
    ///
    /// - Parameters:
    ///   - manager: the manager's number.
    ///   - now: the time; nil for the server's own clock.
    ///   - retention: for how many milliseconds the keys of finished tasks are kept.
    /// - Returns: the parameters, in order.
    func parameters(_ manager: ManagerID, at now: Timestamp?, retention: Int64) -> Parameters {
        let (puts, deletes, claims) = (plan.operations[puts], plan.operations[deletes], plan.operations[claims])
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(now?.rawValue)
        parameters.add(retention)
        parameters.add(number(ofFirst: puts))
        parameters.add(puts.map { $0.tube ?? "" })
        parameters.add(puts.map { $0.priority ?? 0 })
        parameters.add(puts.map { $0.timeToRun ?? 0 })
        parameters.add(puts.map { $0.body ?? [] })
        parameters.add(number(ofFirst: deletes))
        parameters.add(deletes.map { $0.id ?? 0 })
        parameters.add(deletes.map(\.session))
        parameters.add(number(ofFirst: claims))
        parameters.add(claims.first?.tubes.first ?? "")
        parameters.add(claims.flatMap { repeatElement($0.session, count: Int($0.bound ?? 0)) })
        return parameters
    }

    private func number(ofFirst operations: ArraySlice<PlannedOperation>) -> Int32 {
        operations.isEmpty ? 0 : Int32(operations.startIndex + 1)
    }
}
