internal import TaskStore

/// The sessions that are to be served because of something that happened outside of the batch.
///
/// Whoever is told only that there may be something somewhere serves every session that waits, the longest waiting first,
/// in as many batches as that takes. If the tube is known, only its sessions are served: a few at first, and twice as many
/// each time as long as all of them get something. So the cost follows the tasks that are there, not the sessions that
/// wait for them.
struct Wakes {
    /// How many sessions are served first.
    static let fewest = 16

    /// How many sessions are served at once at most.
    static let most = 1024

    /// There may be something for any session.
    private var wantsEveryone = false

    /// Where the round that serves every session goes on, if there is one.
    private var roundFrom: UInt64?

    /// How many sessions are to be served, by tube.
    private var tubes = OwedTasks()

    /// Sessions that are to be served by themselves.
    private var sessions: [Session] = []

    /// The present batch may leave something for sessions that it does not serve.
    var isUnsure = false

    /// The tubes whose sessions are served in the present batch, with how many it were at most, as long as none came short.
    private var trying = OwedTasks()

    var isEmpty: Bool { !wantsEveryone && roundFrom == nil && tubes.isEmpty && sessions.isEmpty }

    /// Whether every session is to be served, and no round has begun.
    var isForEveryone: Bool { wantsEveryone && roundFrom == nil }

    /// Every session is to be served.
    mutating func wakeEveryone() { wantsEveryone = true }

    /// It is known after all which sessions are to be served.
    mutating func dropEveryone() { wantsEveryone = false }

    /// The sessions that wait for a tube are to be served.
    mutating func wake(_ tube: TubeName) { tubes.raise(Self.fewest, of: tube) }

    /// A session is to be served.
    mutating func wake(_ session: Session) { sessions.append(session) }

    /// Takes out the sessions that are to be served by themselves.
    mutating func takeSessions() -> [Session] {
        defer { sessions.removeAll() }
        return sessions
    }

    /// Takes out the tubes whose sessions are to be served, and how many of each.
    mutating func takeTubes() -> [(tube: TubeName, tasks: Int)] { tubes.take() }

    /// The batch had no room for a tube.
    mutating func postpone(_ tube: TubeName, _ sessions: Int) { tubes.raise(sessions, of: tube) }

    /// Sessions of a tube are served in the present batch.
    mutating func tries(_ tube: TubeName, _ sessions: Int) { trying.raise(sessions, of: tube) }

    /// A session that was served for a tube got nothing: the others would not either.
    mutating func cameShort(_ tube: TubeName) { trying.remove(tube) }

    /// The batch is over.
    ///
    /// - Parameters:
    ///   - succeeded: whether it has happened; otherwise its tubes are tried again.
    ///   - isWaitedFor: whether sessions still wait for a tube.
    mutating func endBatch(succeeded: Bool, _ isWaitedFor: (TubeName) -> Bool) {
        guard !trying.isEmpty else { return }
        for (tube, sessions) in trying.take() where isWaitedFor(tube) {
            tubes.raise(succeeded ? min(sessions * 2, Self.most) : sessions, of: tube)
        }
    }

    /// Returns from where on every session is to be served, or nil.
    mutating func nextOfRound() -> UInt64? {
        if let roundFrom { return roundFrom }
        guard wantsEveryone else { return nil }
        wantsEveryone = false
        roundFrom = 0
        return 0
    }

    /// The batch serves all sessions up to a ticket; nil: up to the last.
    mutating func servedRound(upTo ticket: UInt64?) { roundFrom = ticket }
}
