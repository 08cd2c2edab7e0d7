internal import TaskStore

/// The sessions that have to be served because of an event outside of the batch.
///
/// If the tube of the new tasks is not known, every session that waits is served, the longest waiting first, in several
/// batches if needed. If the tube is known, only its sessions are served: a few at first, and twice the number in each
/// later batch as long as all of them get a task. So the cost follows the number of tasks, not the number of sessions
/// that wait for them.
struct Wakes {
    /// The number of sessions that are served first.
    static let fewest = 16

    /// The most sessions that are served at once.
    static let most = 1024

    /// A round that serves every session that waits.
    private enum Round {
        /// No round is needed.
        case none

        /// A round has to begin.
        case wanted

        /// A round serves the sessions after this ticket next; another has to follow if something has come since.
        case running(after: UInt64, isAnotherWanted: Bool)
    }

    private var round = Round.none

    /// The number of sessions that have to be served, by tube.
    private var tubes = TubeCounts()

    /// The sessions that have to be served whatever their tubes are.
    private var sessions: [Session] = []

    /// The tubes whose sessions are served in the present batch, with the number of sessions, as long as all of them
    /// got a task.
    private var trying = TubeCounts()

    var isEmpty: Bool {
        guard case .none = round else { return false }
        return tubes.isEmpty && sessions.isEmpty
    }

    /// Whether every session has to be served, and no round has begun.
    var isForAll: Bool {
        if case .wanted = round { true } else { false }
    }

    /// Notes that every session has to be served.
    mutating func wakeAll() {
        if case .running(let ticket, _) = round {
            round = .running(after: ticket, isAnotherWanted: true)
        } else {
            round = .wanted
        }
    }

    /// Notes that it is known now which sessions have to be served, instead of all for which no round has begun.
    mutating func dropAll() {
        if case .wanted = round { round = .none }
    }

    /// Notes that sessions that wait for a tube have to be served.
    mutating func wake(_ tube: TubeName) { tubes.raise(Self.fewest, of: tube) }

    /// Notes that a session has to be served.
    mutating func wake(_ session: Session) { sessions.append(session) }

    /// Removes and returns the sessions that have to be served whatever their tubes are.
    mutating func takeSessions() -> [Session] {
        defer { sessions.removeAll() }
        return sessions
    }

    /// Removes and returns the tubes whose sessions have to be served, with the number of sessions.
    mutating func takeTubes() -> [(tube: TubeName, count: Int)] { tubes.take() }

    /// Notes that the batch had no room for a tube.
    mutating func postpone(_ tube: TubeName, _ sessions: Int) { tubes.raise(sessions, of: tube) }

    /// Notes that sessions of a tube are served in the present batch.
    mutating func tries(_ tube: TubeName, _ sessions: Int) { trying.raise(sessions, of: tube) }

    /// Notes that a session that was served for a tube got no task: the others would not get one either.
    mutating func foundNothing(in tube: TubeName) { trying.remove(tube) }

    /// Ends the batch.
    ///
    /// - Parameters:
    ///   - succeeded: whether it was carried out; if not, its tubes are tried again.
    ///   - isWaitedFor: returns whether sessions still wait for a tube.
    mutating func endBatch(succeeded: Bool, _ isWaitedFor: (TubeName) -> Bool) {
        guard !trying.isEmpty else { return }
        for (tube, sessions) in trying.take() where isWaitedFor(tube) {
            tubes.raise(succeeded ? min(sessions * 2, Self.most) : sessions, of: tube)
        }
    }

    /// Returns the ticket after which every session has to be served; `nil` if there is no round.
    mutating func nextOfRound() -> UInt64? {
        switch round {
        case .none:
            return nil
        case .wanted:
            round = .running(after: 0, isAnotherWanted: false)
            return 0
        case .running(let ticket, _):
            return ticket
        }
    }

    /// Notes that the batch serves all sessions up to a ticket; `nil` for all of them.
    mutating func servedRound(upTo ticket: UInt64?) {
        guard case .running(_, let isAnotherWanted) = round else { return }
        if let ticket {
            round = .running(after: ticket, isAnotherWanted: isAnotherWanted)
        } else {
            round = isAnotherWanted ? .wanted : .none
        }
    }
}
