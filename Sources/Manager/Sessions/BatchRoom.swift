/// How much more the batch in the making takes, over all sessions: everyone waits for it to end, also at other managers.
struct BatchRoom {
    /// Commands.
    var commands: Int

    /// Answers that may carry a body.
    var bodies: Int

    /// Lists of all tubes, and sums over all tubes.
    var lists: Int

    /// Bytes of bodies that are put.
    var bytes: Int

    /// Rows that the ends of sessions change.
    var endedRows: Int

    /// Claims whose time to run is over.
    var expiries: Int

    /// Rows that commands on many rows change.
    var rows: Int

    /// Claims for sessions that wait.
    var serves: Int

    /// - Parameters:
    ///   - limits: the bounds.
    ///   - bytesOfList: how long a list of all tubes is, as far as that is known.
    init(_ limits: SessionTable.Limits, bytesOfList: Int = 0) {
        commands = limits.commandsInAll
        bodies = limits.bodiesInAll
        lists = max(1, min(limits.listsInAll, limits.bytesOfLists / max(1, bytesOfList)))
        bytes = limits.bytesInAll
        endedRows = limits.rows
        expiries = limits.rows
        rows = limits.rows
        serves = limits.rows
    }

    /// Whether another session that waits can be given a task.
    var hasServes: Bool { serves > 0 && bodies > 0 }
}
