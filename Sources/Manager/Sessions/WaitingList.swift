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

    /// Calls `body` with sessions that no batch serves yet and their tickets, the longest waiting first, until it returns
    /// false.
    ///
    /// - Parameters:
    ///   - ticket: only sessions with a later ticket.
    ///   - body: says whether to go on.
    func forEachUnserved(after ticket: UInt64 = 0, _ body: (Session, UInt64) -> Bool) {
        for entry in entries[firstIndex(after: ticket)...]
        where entry.isLive && entry.session.wait?.isBeingServed == false {
            guard body(entry.session, entry.ticket) else { return }
        }
    }

    /// Returns where the entries with later tickets begin: they are in the order of their tickets.
    private func firstIndex(after ticket: UInt64) -> Int {
        var (low, high) = (entries.startIndex, entries.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].ticket <= ticket { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
