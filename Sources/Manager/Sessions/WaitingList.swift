internal import DequeModule
internal import TaskStore

/// The sessions that wait for tasks of one tube, the longest waiting first.
///
/// A session that is served through one tube stays in the lists of its other tubes until it is found there; its ticket
/// is stale then. Stale entries are removed once there are more of them than live ones.
struct WaitingList {
    private struct Entry {
        let session: Session
        let ticket: UInt64

        var isLive: Bool { session.wait?.ticket == ticket }
    }

    private var entries = Deque<Entry>()

    /// The number of sessions that wait.
    private(set) var count = 0

    /// Adds a session that has begun to wait.
    mutating func append(_ session: Session, ticket: UInt64) {
        if entries.count > 2 * count + 16 { entries.removeAll { !$0.isLive } }
        entries.append(Entry(session: session, ticket: ticket))
        count += 1
    }

    /// Counts one session less, which does not wait any more.
    mutating func leave() {
        count -= 1
        while let first = entries.first, !first.isLive { entries.removeFirst() }
    }

    /// Calls `body` with sessions that no batch serves yet and their tickets, the longest waiting first, until it
    /// returns false.
    ///
    /// - Parameters:
    ///   - ticket: only sessions with a later ticket.
    ///   - body: returns whether to continue.
    func forEachUnserved(after ticket: UInt64 = 0, _ body: (Session, UInt64) -> Bool) {
        for entry in entries[firstIndex(after: ticket)...]
        where entry.isLive && entry.session.wait?.isBeingServed == false {
            guard body(entry.session, entry.ticket) else { return }
        }
    }

    /// Returns the index of the first entry with a later ticket: the entries are in the order of their tickets.
    private func firstIndex(after ticket: UInt64) -> Int {
        var (low, high) = (entries.startIndex, entries.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].ticket <= ticket { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
