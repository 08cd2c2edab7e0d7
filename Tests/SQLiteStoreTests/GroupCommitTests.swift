import Dispatch
import TaskStore
import Testing

@testable import SQLiteStore

/// Which batches sync, and which wait for the sync of another manager.
@Suite struct GroupCommitTests {
    /// Two managers of one store.
    ///
    /// The second one waits for the first one's sync up to a limit.
    private struct Pair {
        let place: TemporaryStore
        let first: SQLiteStore
        let second: SQLiteStore

        init(patience: Duration, at given: TemporaryStore? = nil) throws {
            place = try given ?? TemporaryStore()
            first = try place.open("first")
            var options = SQLiteStore.Options.test
            options.patience = patience
            second = try SQLiteStore.open(
                path: place.path,
                name: "second",
                address: "127.0.0.1:0",
                at: .start,
                options: options
            )
            // What opening has written is on the disk.
            try first.makeDurable()
            try second.makeDurable()
        }

        func leave() throws {
            try first.leave()
            try second.leave()
        }

        /// Makes what the second manager has done durable.
        ///
        /// - Returns: the number of its syncs.
        func syncsOfSecond() throws -> Int {
            let before = second.parts.groupCommit.count
            try second.makeDurable()
            return second.parts.groupCommit.count - before
        }
    }

    private static let forEver = Duration.seconds(3600)

    private func put(_ store: SQLiteStore) throws {
        try run(.put(NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 1, body: [])), store)
    }

    @discardableResult
    private func claim(_ store: SQLiteStore) throws -> [TaskID] {
        guard case .claimed(let tasks)? = try run(.claim(tubes: [.default], count: 1, waits: false), store).first else {
            return []
        }
        return tasks.map(\.id)
    }

    @discardableResult
    private func run(_ actions: Action..., on store: SQLiteStore) throws -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        let operations = actions.map { Operation(session: session, action: $0) }
        return try store.run(Batch(operations, now: .start)).outcomes
    }

    @discardableResult
    private func run(_ action: Action, _ store: SQLiteStore) throws -> [Outcome] {
        try run(action, on: store)
    }

    @Test func `a claim of a durable task is not synced`() throws {
        let pair = try Pair(patience: Self.forEver)
        try put(pair.first)
        try pair.first.makeDurable()
        #expect(try claim(pair.second).count == 1)
        #expect(try pair.syncsOfSecond() == 0)
        try pair.leave()
    }

    @Test func `a claim of a task that is not durable waits for the sync of its put`() throws {
        let pair = try Pair(patience: Self.forEver)
        try put(pair.first)
        #expect(try claim(pair.second).count == 1)
        // Ends only after the sync of the first manager, whichever of the two calls comes first.
        // Used by the other thread alone until that has ended.
        nonisolated(unsafe) let first = pair.first
        let group = DispatchGroup()
        DispatchQueue(label: "first").async(group: group) { try? first.makeDurable() }
        #expect(try pair.syncsOfSecond() == 0)
        group.wait()
        try pair.leave()
    }

    @Test func `a manager that never syncs is waited for only briefly`() throws {
        let pair = try Pair(patience: .milliseconds(1))
        try put(pair.first)
        try claim(pair.second)
        #expect(try pair.syncsOfSecond() == 1)
        try put(pair.second)
        try pair.second.makeDurable()
        try claim(pair.second)
        #expect(try pair.syncsOfSecond() == 0, "its own sync covered the other one's commit too")
        try pair.leave()
    }

    @Test func `a batch that writes nothing makes no manager wait`() throws {
        let pair = try Pair(patience: Self.forEver)
        try put(pair.first)
        try pair.first.makeDurable()
        let nowhere = try #require(TubeName("nowhere"))
        try run(.claim(tubes: [nowhere], count: 1, waits: true), pair.first)
        let frames = pair.first.parts.sharedPage.logFrames
        try run(.claim(tubes: [nowhere], count: 1, waits: true), pair.second)
        #expect(pair.first.parts.sharedPage.logFrames == frames)
        #expect(try claim(pair.second).count == 1)
        #expect(try pair.syncsOfSecond() == 0)
        try pair.leave()
    }

    @Test func `words that a power cut has left inconsistent promise nothing`() throws {
        let place: TemporaryStore
        do {
            let pair = try Pair(patience: Self.forEver)
            let sharedPage = pair.first.parts.sharedPage
            sharedPage.raiseSynced(to: sharedPage.promised + 5)
            try pair.leave()
            place = pair.place
        }
        let pair = try Pair(patience: .milliseconds(1), at: place)
        try put(pair.first)
        try claim(pair.second)
        #expect(try pair.syncsOfSecond() == 1)
        try pair.leave()
    }

    @Test func `all other batches are synced`() throws {
        let pair = try Pair(patience: Self.forEver)
        for _ in 0..<4 { try put(pair.first) }
        try pair.first.makeDurable()

        let tasks = try claim(pair.second)
        #expect(try pair.syncsOfSecond() == 0)
        let task = try #require(tasks.first)
        for action in [Action.touch(task), .bury(task, priority: 1), .kickTask(task), .delete(task)] {
            try run(action, pair.second)
            #expect(try pair.syncsOfSecond() == 1, "\(action)")
        }
        let claim = Action.claim(tubes: [.default], count: 1, waits: false)
        let put = Action.put(NewTask(tube: .default, priority: 9, delay: 0, timeToRun: 1, body: []))
        try run(claim, put, on: pair.second)
        #expect(try pair.syncsOfSecond() == 1, "a put beside it")
        try run(claim, pair.second)
        try run(put, pair.second)
        try run(claim, pair.second)
        #expect(try pair.syncsOfSecond() == 1, "a put before it that was not synced")
        try pair.leave()
    }

    @Test func `the claim of a named session is synced`() throws {
        let pair = try Pair(patience: Self.forEver)
        try put(pair.first)
        try pair.first.makeDurable()
        try run(.attach(try #require(SessionName("a-name-that-is-hard-to-guess"))), pair.second)
        try pair.second.makeDurable()
        #expect(try claim(pair.second).count == 1)
        #expect(try pair.syncsOfSecond() == 1)
        try pair.leave()
    }

    @Test func `a task that another program has put is synced by the manager that claims it`() throws {
        let pair = try Pair(patience: Self.forEver)
        try pair.place.shell().execute("INSERT INTO task (tube, body) VALUES ('default', 'sql')")
        #expect(try claim(pair.second).count == 1)
        #expect(try pair.syncsOfSecond() == 1)
        try pair.leave()
    }

    @Test func `another program's task is synced also if a manager has committed in between`() throws {
        let pair = try Pair(patience: .milliseconds(1))
        try pair.place.shell().execute("INSERT INTO task (tube, body) VALUES ('default', 'sql')")
        // No client gets an answer, so this is not synced.
        try run(.countUse(.default, using: 1, watching: 0), pair.first)
        #expect(try claim(pair.second).count == 1)
        #expect(try pair.syncsOfSecond() == 1)
        try pair.leave()
    }

    @Test func `a claim after a checkpoint is not synced`() throws {
        let pair = try Pair(patience: Self.forEver)
        try put(pair.first)
        try pair.first.makeDurable()
        try pair.first.checkpoint()
        #expect(try claim(pair.second).count == 1)
        #expect(try pair.syncsOfSecond() == 0)
        try pair.leave()
    }
}
