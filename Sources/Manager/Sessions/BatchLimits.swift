internal import TaskStore

/// Bounds on the commands of one session, and of all, in one batch, so that all sessions get their share.
struct BatchLimits {
    /// Commands of one session in one batch.
    var commands = 1024

    /// Commands of one session in one batch whose answers may carry a body: with bodies of 64 KB this is 4 MB of
    /// answers at most, more only after these are written.
    var bodies = 64

    /// Commands of all sessions in one batch, approximately.
    ///
    /// If more have arrived, each session has an equal share. All sessions wait for the end of the batch, also at the
    /// other managers.
    var commandsInAll = 4096

    /// Commands of all sessions in one batch whose answers may have a body, approximately.
    var bodiesInAll = 1024

    /// Bytes of bodies that one batch puts, approximately: a store may have a bound on a batch, and holds it in memory.
    var bytesInAll = 128 << 20

    /// Bytes of bodies that are put and answered for heavy sessions in a batch that has light sessions too,
    /// approximately: they take about as long as a batch without them.
    var bytesBesideLight = 1 << 20

    /// Answers of all sessions in one batch that look at all tubes.
    var listsInAll = 16

    /// Bytes of lists of all tubes in one batch, or one such list.
    var bytesOfLists = 64 << 20

    /// The bytes that are counted for a body before its length is known.
    var bytesOfBody = 65535

    /// Rows that one batch changes for commands on many rows.
    ///
    /// The same limit holds for sessions that end, and for claims whose time is over.
    var rows = Batch.mostRows

    /// Tubes that a session may watch.
    var watchedTubes = 1024

    /// Returns one session's share of a batch, so that there is a share for each session.
    ///
    /// - Parameters:
    ///   - sessions: the number of sessions.
    ///   - bytes: the bytes of answers with bodies that one session may get; at least one such answer.
    /// - Returns: the share, of which nothing is used.
    func share(of sessions: Int, bytesOfAnswers bytes: Int) -> SessionShare {
        let sessions = max(1, sessions)
        return SessionShare(
            commands: min(commands, max(16, commandsInAll / sessions)),
            bodies: min(bodies, max(1, bodiesInAll / sessions), max(1, bytes / bytesOfBody))
        )
    }
}
