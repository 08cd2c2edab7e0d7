/// The room that is left in the batch that is being built, over all sessions.
///
/// All sessions wait for the end of the batch, also at other managers.
struct BatchRoom {
    /// Commands.
    var commands: Int

    /// Answers that may carry a body.
    var bodies: Int

    /// Lists of all tubes, and sums over all tubes.
    var lists: Int

    /// Bytes of bodies that are put.
    var bytes: Int

    /// Bytes of bodies that are put and answered for heavy sessions.
    var heavyBytes: Int

    /// Rows that change because sessions end.
    var endedRows: Int

    /// Claims whose time to run is over.
    var expiries: Int

    /// Rows that change because of commands on many rows.
    var rows: Int

    /// Claims for sessions that wait.
    var serves: Int

    /// - Parameters:
    ///   - limits: the bounds.
    ///   - bytesOfList: the length of a list of all tubes, as far as it is known.
    init(_ limits: BatchLimits, bytesOfList: Int = 0) {
        commands = limits.commandsInAll
        bodies = limits.bodiesInAll
        lists = max(1, min(limits.listsInAll, limits.bytesOfLists / max(1, bytesOfList)))
        bytes = limits.bytesInAll
        heavyBytes = .max
        endedRows = limits.rows
        expiries = limits.rows
        rows = limits.rows
        serves = limits.rows
    }

    /// Whether there is room for another command of any kind.
    var hasCommands: Bool { commands > 0 && bodies > 0 && bytes > 0 }

    /// Whether there is room for a claim for another session that waits.
    var hasServes: Bool { serves > 0 && bodies > 0 }
}
