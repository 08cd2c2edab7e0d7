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

    init(_ limits: SessionTable.Limits) {
        commands = limits.commandsInAll
        bodies = limits.bodiesInAll
        lists = limits.listsInAll
        bytes = limits.bytesInAll
        endedRows = limits.rows
        expiries = limits.rows
        rows = limits.rows
        serves = limits.rows
    }

    /// Whether another session that waits can be given a task.
    var hasServes: Bool { serves > 0 && bodies > 0 }
}
