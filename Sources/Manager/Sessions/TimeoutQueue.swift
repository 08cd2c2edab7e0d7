internal import HeapModule

/// The times at which sessions have to be checked for timeouts, the soonest first.
///
/// A session has at most one valid entry, at its ``Session/nextCheck``. An entry with another time is stale, and is skipped.
/// A session is checked again only at the time of its entry, so claims that end in time cost nothing here.
struct TimeoutQueue {
    private struct Entry: Comparable {
        let moment: ContinuousClock.Instant
        let session: Session

        static func < (lhs: Entry, rhs: Entry) -> Bool { lhs.moment < rhs.moment }
        static func == (lhs: Entry, rhs: Entry) -> Bool { lhs.moment == rhs.moment }
    }

    private var heap = Heap<Entry>()

    /// The number of stale entries.
    ///
    /// They keep their sessions in memory, and the entries of long claims come up late or never. So they are removed
    /// once they are the majority.
    private var stale = 0

    /// The number of stale entries that may always stay.
    private static let fewStale = 64

    /// The number of entries, including stale ones.
    var count: Int { heap.count }

    /// Schedules a check of the session for the time of its next timeout.
    ///
    /// - Parameters:
    ///   - session: the session.
    ///   - earliest: the earliest time of the check, if a try has just failed.
    mutating func schedule(_ session: Session, notBefore earliest: ContinuousClock.Instant? = nil) {
        guard !session.hasEnded, var next = session.nextTimeout else { return }
        if let earliest { next = max(next, earliest) }
        if let known = session.nextCheck {
            if known <= next { return }
            noteStale()
        }
        session.setNextCheck(next)
        heap.insert(Entry(moment: next, session: session))
    }

    /// Removes a session that has ended.
    mutating func forget(_ session: Session) {
        guard session.nextCheck != nil else { return }
        session.setNextCheck(nil)
        noteStale()
    }

    private mutating func noteStale() {
        stale += 1
        guard stale > Self.fewStale, stale * 2 > heap.count else { return }
        heap = Heap(heap.unordered.filter { $0.session.nextCheck == $0.moment })
        stale = 0
    }

    /// The time of the next check.
    var next: ContinuousClock.Instant? {
        mutating get {
            dropStale()
            return heap.min?.moment
        }
    }

    /// Removes and returns the next session whose time has come.
    mutating func popDue(at now: ContinuousClock.Instant) -> Session? {
        dropStale()
        guard let first = heap.min, first.moment <= now else { return nil }
        heap.removeMin()
        first.session.setNextCheck(nil)
        return first.session
    }

    private mutating func dropStale() {
        while let first = heap.min, first.session.nextCheck != first.moment {
            heap.removeMin()
            stale = max(0, stale - 1)
        }
    }
}
