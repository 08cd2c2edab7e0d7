import Dispatch
import Synchronization
import TaskStore
import Testing

@testable import SQLiteStore

/// What wakes a manager that waits.
@Suite struct PeerWakeupTests {
    /// The changes that a store has reported.
    private final class News: Sendable {
        private let told: Mutex<[StoreChange]> = Mutex([])
        private let bell = DispatchSemaphore(value: 0)

        init(_ store: SQLiteStore) {
            store.observeChanges { [weak self] change in
                self?.told.withLock { $0.append(change) }
                self?.bell.signal()
            }
        }

        /// Waits for the next call.
        ///
        /// The limit is only there so that a broken store does not hang the tests.
        func next() -> StoreChange? {
            guard bell.wait(timeout: .now() + 20) == .success else { return nil }
            return told.withLock { $0.removeFirst() }
        }

        /// The reports that no test has waited for; complete after the store is left.
        var rest: [StoreChange] { told.withLock { $0 } }
    }

    private func put(_ store: SQLiteStore) throws {
        let session = SessionID(connection: 1, of: store.manager)
        let task = NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 1, body: [])
        _ = try store.run(Batch([Operation(session: session, action: .put(task))], now: .start))
    }

    /// Has a session of the manager wait for more tasks than there are.
    private func subscribe(_ store: SQLiteStore) throws {
        let session = SessionID(connection: 2, of: store.manager)
        let claim = Action.claim(tubes: [.default], count: 100, waits: true)
        _ = try store.run(Batch([Operation(session: session, action: claim)], now: .start))
    }

    @Test func `the put of a peer wakes only managers that subscribe to the tube`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let news = News(store)
        let (sharedPage, slot) = (store.parts.sharedPage, store.parts.livenessLock.slot)
        try put(peer)
        #expect(sharedPage.notifications(slot) == 0)
        try subscribe(store)
        try put(store)
        #expect(sharedPage.notifications(slot) == 0, "its own")
        try put(peer)
        #expect(news.next() == .pending)
        try put(peer)
        #expect(news.next() == .pending)
        try store.leave()
        #expect(news.rest.isEmpty)
        try peer.leave()
    }

    @Test func `the next write of any program is announced once`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let news = News(store)
        // No manager has asked.
        try put(peer)
        #expect(store.announceNextWrite(), "the kernel reports writes to files here")
        try place.shell().execute("INSERT INTO task (tube, body) VALUES ('default', 'sql')")
        #expect(news.next() == .written)
        #expect(try store.hasChangedElsewhere())
        // Reported once: the next report is the next one that is requested.
        try put(peer)
        try subscribe(store)
        try put(peer)
        #expect(news.next() == .pending)

        #expect(store.announceNextWrite())
        #expect(store.announceNextWrite(), "asked twice")
        try put(store)
        #expect(news.next() == .written, "its own write")
        try store.leave()
        #expect(news.rest.isEmpty)
        try peer.leave()
    }

    @Test func `nothing is written while nothing happens`() throws {
        let place = try TemporaryStore()
        let store = try place.open()
        let peer = try place.open("peer")
        let shell = try place.shell()
        try shell.execute("BEGIN IMMEDIATE")
        for half in 1..<20 {
            let now = Timestamp(rawValue: Timestamp.start.rawValue + Int64(half) * 500)
            // A manager that began to write would find the database busy.
            #expect(try store.maintain(at: now) == Maintenance())
            #expect(try store.run(Batch([], now: now)).nextEvent == nil)
        }
        try shell.execute("COMMIT")
        try store.leave()
        try peer.leave()
    }

    @Test func `an empty batch ends a delay that is over`() throws {
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
