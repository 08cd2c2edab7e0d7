internal import HeapModule

/// When to look at which session, the soonest first.
///
/// A session has at most one valid entry, at its ``Session/tick``; an entry whose time differs is stale and skipped. A
/// session is looked at again only when its entry comes up, so claims that are finished in time cost nothing here.
struct TimeoutQueue {
    private struct Entry: Comparable {
        let moment: ContinuousClock.Instant
        let session: Session

        static func < (lhs: Entry, rhs: Entry) -> Bool { lhs.moment < rhs.moment }
        static func == (lhs: Entry, rhs: Entry) -> Bool { lhs.moment == rhs.moment }
    }

    private var heap = Heap<Entry>()

    /// How many entries are stale.
    ///
    /// They keep their sessions in memory, and those of long claims come up late or never, so they are thrown out once they
    /// are the greater part.
    private var stale = 0

    /// So many stale entries are not worth looking for.
    private static let fewStale = 64

    /// How many entries there are, stale ones too.
    var count: Int { heap.count }

    /// Makes sure that the session is looked at by the time of its next timeout.
    ///
    /// - Parameters:
    ///   - session: the session.
    ///   - earliest: not to look at it before, for something that has just been tried in vain.
    mutating func schedule(_ session: Session, notBefore earliest: ContinuousClock.Instant? = nil) {
        guard !session.hasEnded, var next = session.nextTimeout else { return }
        if let earliest { next = max(next, earliest) }
        if let tick = session.tick {
            if tick <= next { return }
            noteStale()
        }
        session.tick = next
        heap.insert(Entry(moment: next, session: session))
    }

    /// The session has ended and is not to be looked at any more.
    mutating func forget(_ session: Session) {
        guard session.tick != nil else { return }
        session.tick = nil
        noteStale()
    }

    private mutating func noteStale() {
        stale += 1
        guard stale > Self.fewStale, stale * 2 > heap.count else { return }
        heap = Heap(heap.unordered.filter { $0.session.tick == $0.moment })
        stale = 0
    }

    /// When the next session is to be looked at.
    var next: ContinuousClock.Instant? {
        mutating get {
            dropStale()
            return heap.min?.moment
        }
    }

    /// Takes out the next session whose moment has come.
    mutating func popDue(at now: ContinuousClock.Instant) -> Session? {
        dropStale()
        guard let first = heap.min, first.moment <= now else { return nil }
        heap.removeMin()
        first.session.tick = nil
        return first.session
    }

    private mutating func dropStale() {
        while let first = heap.min, first.session.tick != first.moment {
            heap.removeMin()
            stale = max(0, stale - 1)
        }
    }
}
