import TaskStore

extension TaskStore.Operation {
    /// Whether it may be part of ``DeletesAndClaims``.
    fileprivate var isDeleteOrClaim: Bool {
        switch action {
        case .delete, .claim: access == nil
        default: false
        }
    }
}

/// From operations to the functions of the verbs.
extension TaskTables {
    /// The smallest number of operations for which one common statement costs less than one statement each.
    static let shortestSeries = 3

    /// Runs operations, with the same outcomes as if they ran one after the other.
    ///
    /// Consecutive operations of the same kind are run together. A client that sends many commands at once then needs
    /// few statements.
    ///
    /// - Parameters:
    ///   - operations: the operations.
    ///   - takesPuts: whether puts are tried; otherwise their outcome is ``Outcome/storageFull``.
    /// - Returns: one outcome per operation.
    /// - Throws: SQLite's error.
    func performAll(_ operations: [Operation], takesPuts: Bool) throws(SQLiteError) -> [Outcome] {
        var outcomes: [Outcome] = []
        outcomes.reserveCapacity(operations.count)
        var knownAsSingle = 0
        while outcomes.count < operations.count {
            let start = outcomes.count
            let operation = operations[start]
            switch operation.action {
            case .put:
                if !takesPuts, !isDeferred(operation.session) {
                    outcomes.append(.storageFull)
                    continue
                }
                let tasks = consecutivePuts(among: operations, from: start)
                if !tasks.isEmpty {
                    try putTogether(tasks, into: &outcomes)
                    durability = .everything
                    continue
                }
            case .delete, .claim:
                // Most series that are too short are found by looking at two operations, and are not looked at again
                // for their next operation.
                guard start >= knownAsSingle, start + Self.shortestSeries <= operations.count,
                    operations[start].access == nil, operations[start + 1].isDeleteOrClaim,
                    operations[start + 2].isDeleteOrClaim
                else { break }
                let series = DeletesAndClaims(operations, from: start)
                if series.count >= Self.shortestSeries, try performTogether(series, into: &outcomes) {
                    for outcome in outcomes[start...] { raiseDurability(for: outcome) }
                    continue
                }
                knownAsSingle = start + series.count
            default:
                break
            }
            let outcome = try perform(operation)
            raiseDurability(for: outcome)
            outcomes.append(outcome)
        }
        return outcomes
    }

    /// Raises what must be on the disk before an outcome is told.
    private func raiseDurability(for outcome: Outcome) {
        guard durability < .everything, outcome.mustBeDurable else { return }
        if case .claimed = outcome, namedSessions.isEmpty {
            durability = .earlierCommits
        } else {
            // Also a claim, if it may be one of a named session, which outlives its connection and so a power cut. And
            // also a key that exists: its put may have been committed by a manager that has not synced yet.
            durability = .everything
        }
    }

    /// Returns whether a session's operations are held back, because its claim earlier in the batch waits.
    func isDeferred(_ session: SessionID) -> Bool {
        !waitingSessions.isEmpty && waitingSessions.contains(session)
    }

    /// Runs one operation.
    func perform(_ operation: Operation) throws(SQLiteError) -> Outcome {
        let connection = operation.session
        if isDeferred(connection) { return .deferred }
        var holder = ClaimHolder(connection)
        if !namedSessions.isEmpty, operation.action.concernsClaims {
            guard let present = try self.holder(for: connection) else { return .superseded }
            holder = present
        }
        if let access = operation.access, try !mayFindTask(of: operation, access) {
            return .notFound
        }
        switch operation.action {
        case .put(let task):
            return try put(task)
        case .claim(let tubes, let count, let waits):
            let claimed = try claim(from: tubes, count: count, for: holder)
            if waits, claimed.count < count {
                waitingSessions.insert(connection)
                unsatisfiedTubes.append(contentsOf: tubes)
            }
            return .claimed(claimed)
        case .claimTask(let id):
            return try claimTask(id, for: holder)
        case .delete(let id):
            return try delete(id, by: holder)
        case .release(let id, let priority, let delay):
            return try release(id, priority: priority, delay: delay, by: holder)
        case .bury(let id, let priority):
            return try bury(id, priority: priority, by: holder)
        case .touch(let id):
            return try touch(id, by: holder)
        case .kick(let tube, let bound, let state):
            return .kicked(try kick(tube, bound: bound, from: state))
        case .kickTask(let id):
            return try kickTask(id)
        case .peek(let id):
            return try peek(id)
        case .peekNext(let tube, let state):
            return try peekNext(tube, state)
        case .pause(let tube, let seconds):
            return try pause(tube, seconds: seconds)
        case .taskStatistics(let id):
            return try taskStatistics(of: id)
        case .tubeStatistics(let tube):
            return try tubeStatistics(of: tube)
        case .storeStatistics:
            return .store(try storeStatistics())
        case .listTubes:
            let tubes = try listTubes()
            return .tubes(operation.access.map { tubes.filter($0.shows) } ?? tubes)
        case .countUse(let tube, let using, let watching):
            return try countUse(of: tube, using: using, watching: watching)
        case .expire(let id):
            return try expire(id, of: holder)
        case .disconnect(releasing: .ownClaims):
            return .disconnected(try returnClaimsAndDetach(connection, isSessionOver: false))
        case .disconnect(releasing: .allClaims):
            return .disconnected(try returnClaimsAndDetach(connection, isSessionOver: true))
        case .attach(let name, let last):
            return try attach(connection, to: name, after: last)
        case .clear(let tube, let state, let limit):
            return try clear(tube, state, limit: limit)
        case .breakClaim(let id):
            return try breakClaim(of: id)
        case .endSession(let number):
            return try endSession(number)
        case .moveTask(let id, let tube):
            return try move(id, to: tube)
        case .moveTasks(let source, let target, let state, let limit):
            return try moveTasks(from: source, to: target, state, limit: limit)
        case .editTask(let id, let edit):
            return try self.edit(id, edit)
        case .setDraining(let manager, let isDraining):
            return try setDraining(manager, isDraining)
        case .inspect:
            // Other sessions wait for the writer.
            throw SQLiteError(refused: "an inspection is run in a batch of its own")
        }
    }
}
