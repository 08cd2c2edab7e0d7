import TaskStore

/// What happens to tasks, whichever verb or passing of time makes it happen: each event has one function.
///
/// A verb changes the row of the task in `task_state` and then calls the event's function. That keeps everything else
/// right: the counts of the tube, the prefetched tasks, the next events, the body and the key. What must be on the disk
/// before an outcome is told follows from the outcome, in ``performAll(_:takesPuts:)``.
extension TaskTables {
    /// A state, with the priority that the task has in it.
    typealias CountedState = (state: TaskState, priority: Int64)

    // A task is added.

    /// Records that a task was added, with its body and its key.
    ///
    /// - Parameters:
    ///   - task: the task.
    ///   - due: when its delay ends; nil if it is pending at once.
    ///   - tube: its tube.
    func added(_ task: PendingTask, due: Int64?, to tube: Tube) {
        if let due {
            becameDelayed(until: due, priority: task.priority, in: tube, from: nil)
        } else {
            becamePending(task, in: tube, from: nil)
        }
        tube.deltas.totalTasks += 1
    }

    // A task becomes pending or delayed.

    /// Records that a task has become pending.
    func becamePending(_ task: PendingTask, in tube: Tube, from old: CountedState?) {
        count(tube, from: old, to: (.pending, task.priority))
        tube.prefetch.add(task)
    }

    /// Runs a statement that makes tasks pending, and records that.
    ///
    /// - Parameters:
    ///   - statement: returns the tube and the priority of each task.
    ///   - state: the state that the tasks were in.
    /// - Returns: the number of tasks.
    /// - Throws: SQLite's error.
    func makePending(_ statement: Statement, from state: TaskState) throws(SQLiteError) -> Int {
        var made = 0
        var tube: Tube?
        while try statement.step() {
            let id = statement.int(0)
            let current = if let tube, tube.id == id { tube } else { try self.tube(withID: id) }
            tube = current
            let priority = statement.int(1)
            count(current, from: (state, priority), to: (.pending, priority))
            current.prefetch.invalidate()
            made += 1
        }
        if made > 0, state == .delayed { nextEvents[.delays] = .unknown }
        return made
    }

    private func becameDelayed(until due: Int64, priority: Int64, in tube: Tube, from old: CountedState?) {
        count(tube, from: old, to: (.delayed, priority))
        nextEvents.addDelay(until: due)
    }

    // A task is claimed, and the claim ends.

    /// Records that a session has claimed a task.
    ///
    /// A task that was pending was removed from the prefetched ones by the caller, a delayed one with
    /// ``leftState(_:in:)``.
    func claimed(_ task: PendingTask, in tube: Tube, from state: TaskState) {
        count(tube, from: (state, task.priority), to: (.claimed, task.priority))
        recentClaims.add(task.id, tube: tube.id, isKeyed: task.isKeyed)
    }

    /// How a claim ends if the task stays.
    enum ClaimEnd {
        /// The session released it: with a new priority, and until `due` delayed.
        case released(priority: Int64, due: Int64?)

        /// Its time to run is over.
        case timedOut

        /// The session buried the task, with a new priority.
        case buried(priority: Int64)

        /// An operator has ended it.
        case broken
    }

    /// Records that a claim has ended.
    func claimEnded(_ task: TaskRow, in tube: Tube, _ end: ClaimEnd) {
        let old = (TaskState.claimed, task.priority)
        switch end {
        case .released(let priority, let due?):
            becameDelayed(until: due, priority: priority, in: tube, from: old)
        case .released(let priority, nil):
            becamePending(PendingTask(task, priority: priority), in: tube, from: old)
        case .timedOut, .broken:
            becamePending(PendingTask(task, priority: task.priority), in: tube, from: old)
        case .buried(let priority):
            count(tube, from: old, to: (.buried, priority))
        }
    }

    /// Records that a task that was pending or delayed is so no more.
    func leftState(_ task: TaskRow, in tube: Tube) {
        switch task.state {
        case .pending: tube.prefetch.remove(task.id)
        case .delayed: nextEvents.removeDelay(until: task.due)
        case .claimed, .buried: break
        }
    }

    // An operator moves or edits a task that is not claimed.

    /// Records that a task is in another tube, and removes the former one if it has no use any more.
    func moved(_ task: TaskRow, from former: Tube, to tube: Tube) throws(SQLiteError) {
        let state = (task.state, task.priority)
        count(former, from: state, to: nil)
        if task.state == .pending {
            former.prefetch.remove(task.id)
            becamePending(PendingTask(task, priority: task.priority), in: tube, from: nil)
        } else {
            count(tube, from: nil, to: state)
        }
        if !former.isUsedHere { try removeIfUnused(former) }
    }

    /// Records that a task was edited.
    ///
    /// - Parameters:
    ///   - old: its row before.
    ///   - new: its row now.
    ///   - tube: its tube.
    func edited(_ old: TaskRow, _ new: TaskRow, in tube: Tube) {
        leftState(old, in: tube)
        let former = (old.state, old.priority)
        switch new.state {
        case .pending: becamePending(PendingTask(new, priority: new.priority), in: tube, from: former)
        case .delayed: becameDelayed(until: new.due, priority: new.priority, in: tube, from: former)
        case .claimed, .buried: count(tube, from: former, to: (new.state, new.priority))
        }
    }

    // A task is finished.

    /// Records that a task is finished, after its row was deleted: removes its body, keeps its key for the retention
    /// time, counts it, and removes a tube that has no use any more.
    func finished(_ task: TaskRow, in tube: Tube) throws(SQLiteError) {
        leftState(task, in: tube)
        try removeBody(of: task.id)
        try finishedWithoutBody(task.id, isKeyed: task.isKeyed, from: (task.state, task.priority), in: tube)
    }

    /// Records that a claimed task is finished of whose row only this is known.
    func finishedClaimed(_ id: Int64, _ claim: RecentClaims.Claim) throws(SQLiteError) {
        try removeBody(of: id)
        try finishedWithoutBody(id, isKeyed: claim.isKeyed, from: Self.anyClaimed, in: try tube(withID: claim.tube))
    }

    /// Records that claimed tasks with consecutive ids are finished.
    ///
    /// - Parameters:
    ///   - first: the first id.
    ///   - claims: what is known of each task.
    /// - Throws: SQLite's error.
    func finishedClaimed(from first: Int64, _ claims: [RecentClaims.Claim]) throws(SQLiteError) {
        let last = first + Int64(claims.count) - 1
        statements.delete.bodyRange.bind(first, last)
        try statements.delete.bodyRange.run()
        var tube = try tube(withID: claims[0].tube)
        var id = first
        for claim in claims {
            if claim.tube != tube.id { tube = try self.tube(withID: claim.tube) }
            try finishedWithoutBody(id, isKeyed: claim.isKeyed, from: Self.anyClaimed, in: tube)
            id += 1
        }
    }

    /// The priority of a claimed task counts nowhere.
    private static var anyClaimed: CountedState { (.claimed, 0) }

    private func removeBody(of id: Int64) throws(SQLiteError) {
        statements.delete.body.bind(id)
        try statements.delete.body.run()
    }

    private func finishedWithoutBody(
        _ id: Int64,
        isKeyed: Bool,
        from old: CountedState,
        in tube: Tube
    ) throws(SQLiteError) {
        if isKeyed { try retireKey(of: id) }
        count(tube, from: old, to: nil)
        tube.deltas.deletes += 1
        if !tube.isUsedHere { try removeIfUnused(tube) }
    }

    // Counts.

    /// Counts a task from one state to another, or in, or out.
    ///
    /// - Parameters:
    ///   - tube: the task's tube.
    ///   - old: the state that it leaves.
    ///   - new: the state that it enters.
    private func count(_ tube: Tube, from old: CountedState?, to new: CountedState?) {
        markChanged(tube)
        if let (state, priority) = old {
            tube.deltas.add(-1, state, priority: priority)
            if state == .pending { tube.pendingGrowth -= 1 }
        }
        if let (state, priority) = new {
            tube.deltas.add(1, state, priority: priority)
            if state == .pending {
                tube.pendingGrowth += 1
                exhaustedTubes = nil
            }
        }
    }
}
