import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// What a manager that waits sleeps on.
@Suite struct SignalTests {
    /// Whether a descriptor is readable; what is in it is taken out.
    private func rings(_ descriptor: Int32) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, 0) > 0 else { return false }
        var bytes = [UInt8](repeating: 0, count: 512)
        while read(descriptor, &bytes, bytes.count) > 0 {}
        return true
    }

    private func put(_ store: SQLiteStore) throws {
        let session = SessionID(connection: 1, of: store.manager)
        let task = NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 1, body: [])
        _ = try store.run(Batch([Operation(session: session, action: .put(task))], now: .start))
    }

    @Test func aPeersPutRingsOnceAndOnlyWhereItIsAwaited() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let signals = try #require(store.takeSignals())
        defer { close(signals.pending) }
        try put(peer)
        #expect(!rings(signals.pending))
        store.awaits(.default)
        try put(peer)
        #expect(rings(signals.pending))
        #expect(!rings(signals.pending))
        try put(store)
        #expect(!rings(signals.pending), "its own")
        try store.leave()
        try peer.leave()
    }

    @Test func theThreadIsThereForThoseWhoDoNotWatch() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let heard = ends[1]
        store.observeChanges { _ = write(heard, "\n", 1) }
        store.awaits(.default)
        try put(peer)
        var request = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        #expect(poll(&request, 1, 20_000) == 1)
        try store.leave()
        try peer.leave()
    }

    @Test func aWriteIsAnnouncedOnceWhoeverWrites() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let signals = try #require(store.takeSignals())
        let written = try #require(signals.written, "the kernel tells of writes to files here")
        defer {
            close(signals.pending)
            close(written)
        }
        try put(peer)
        #expect(!rings(written), "nobody has asked")

        #expect(store.announceNextWrite())
        #expect(!rings(written))
        _ = try place.shell().execute("INSERT INTO task (tube, body) VALUES ('default', 'sql')")
        #expect(rings(written))
        #expect(try store.hasChangedElsewhere())
        try put(peer)
        #expect(!rings(written), "once")

        #expect(store.announceNextWrite())
        #expect(store.announceNextWrite(), "asked twice")
        try put(store)
        #expect(rings(written), "its own write")
        try store.leave()
        try peer.leave()
    }

    @Test func nothingIsWrittenWhileNothingHappens() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let shell = try place.shell()
        try shell.execute("BEGIN IMMEDIATE")
        for half in 1..<20 {
            let now = Timestamp(rawValue: Timestamp.start.rawValue + Int64(half) * 500)
            // Whoever began to write would find the database busy.
            #expect(try store.maintain(at: now) == Maintenance())
            #expect(try store.run(Batch([], now: now)).nextEvent == nil)
        }
        try shell.execute("COMMIT")
        try store.leave()
        try peer.leave()
    }

    @Test func anEmptyBatchEndsADelayThatIsOver() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        try place.shell().execute("INSERT INTO task (tube, body, delay) VALUES ('default', 'sql', 1000)")
        let next = try #require(try store.run(Batch([], now: .start)).nextEvent)
        let result = try store.run(Batch([], now: next))
        #expect(result.timePassed)
        #expect(result.nextEvent == nil)
        try store.leave()
    }
}
