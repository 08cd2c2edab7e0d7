internal import DequeModule
internal import TaskStore

/// The sessions that wait for tasks of one tube, the longest waiting first.
///
/// A session that is served through one tube stays in the lists of the others until somebody comes across it there;
/// its ticket is stale then. Stale entries are swept once they outnumber the live ones.
struct WaitingList {
    private struct Entry {
        let session: Session
        let ticket: UInt64

        var isLive: Bool { session.wait?.ticket == ticket }
    }

    private var entries = Deque<Entry>()

    /// How many sessions wait.
    private(set) var count = 0

    /// Adds a session that has begun to wait.
    mutating func append(_ session: Session, ticket: UInt64) {
        if entries.count > 2 * count + 16 { entries.removeAll { !$0.isLive } }
        entries.append(Entry(session: session, ticket: ticket))
        count += 1
    }

    /// Counts out a session that waits no longer.
    mutating func leave() {
        count -= 1
        while let first = entries.first, !first.isLive { entries.removeFirst() }
    }

    /// Calls `body` with sessions that nobody is serving yet, the longest waiting first, until it returns false.
    func forEachUnserved(_ body: (Session) -> Bool) {
        for entry in entries where entry.isLive && entry.session.wait?.isBeingServed == false {
            guard body(entry.session) else { return }
        }
    }
}
