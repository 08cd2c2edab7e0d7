import CPlatform
import Dispatch
import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// What peers do about a manager that was killed inside a sync.
extension IOFailureTests {
    /// Opens two managers; the first one has a task on the disk, another one in the log, and is killed inside the sync.
    ///
    /// - Returns: the second manager.
    private func killFirstInsideSync(damaging damage: (SharedPage) throws -> Void) throws -> SQLiteStore {
        let stores = [try place.open("a"), try place.open("b")]
        let sharedPage = stores[0].parts.sharedPage
        try run(stores[0], put)
        try stores[0].makeDurable()
        try run(stores[0], put)
        sharedPage.set(.sync, of: stores[0].parts.livenessLock.slot)
        stores[0].abandon()
        try damage(sharedPage)
        return stores[1]
    }

    private func damageUnsynced(_ sharedPage: SharedPage) throws {
        for frame in sharedPage.acknowledged.frames..<sharedPage.logFrames { try damageLog(frame: frame) }
    }

    @Test(arguments: [Action.peek(TaskID(rawValue: 9)), .delete(TaskID(rawValue: 9)), .kickTask(TaskID(rawValue: 9))])
    func `an answer that needs no sync is not given from pages that may be lost`(action: Action) throws {
        // The manager has these pages in its memory.
        let store = try killFirstInsideSync { try damageUnsynced($0) }
        expectLost { try run(store, action) }
        #expect(store.parts.sharedPage.hasIOFailed)
        store.abandon()
    }

    @Test func `an idle manager finds out that a peer was killed inside a failing sync`() throws {
        let store = try killFirstInsideSync { try damageUnsynced($0) }
        expectLost { _ = try store.maintain(at: .start) }
        #expect(store.parts.sharedPage.hasIOFailed)
        store.abandon()
    }

    @Test func `a log whose header is lost is noticed`() throws {
        let store = try killFirstInsideSync { sharedPage in
            let descriptor = open(place.path + "-wal", O_RDWR | O_CLOEXEC)
            try #require(descriptor >= 0)
            defer { close(descriptor) }
            var zeros = [UInt8](repeating: 0, count: WALPosition.headerBytes)
            try #require(pwrite(descriptor, &zeros, zeros.count, 0) == zeros.count)
        }
        expectLost {
            try run(store, put)
            try store.makeDurable()
        }
        #expect(store.parts.sharedPage.hasIOFailed)
        store.abandon()
    }

    @Test func `a log that was started over during a sync may be missing as a whole`() {
        let end = WALPoint(salt: 8, frames: 20)
        #expect(end.firstUnknownFrame([]) == 20)
        #expect(end.firstUnknownFrame([WALPoint(salt: 8, frames: 15), WALPoint(salt: 8, frames: 12)]) == 12)
        #expect(end.firstUnknownFrame([WALPoint(salt: 8, frames: 15), WALPoint(salt: 7, frames: 900)]) == 0)
    }

    @Test func `a manager that starts beside others notices lost frames before it reads any`() throws {
        let store = try killFirstInsideSync { try damageUnsynced($0) }
        #expect {
            _ = try place.open("c")
        } throws: {
            ($0 as? StoreError)?.code == .lost && "\($0)".contains("was killed inside a sync")
        }
        #expect(store.parts.sharedPage.hasIOFailed)
        expectLost { try run(store, put) }
        store.abandon()
    }

    @Test func `a manager that starts beside others continues if nothing is lost`() throws {
        let store = try killFirstInsideSync { _ in }
        let next = try place.open("c")
        #expect(store.parts.sharedPage.marks(except: 63) == 0)
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 2)
        try next.leave()
        try store.leave()
        try place.audit()
    }

    @Test func `a manager that repeats a sync acknowledges nothing after a failure`() throws {
        let store = try killFirstInsideSync { _ in }
        let sharedPage = store.parts.sharedPage
        let acknowledged = sharedPage.acknowledged
        // As if another manager had found lost frames at this moment.
        sharedPage.hasIOFailed = true
        expectLost { try store.recoverFromDeadSyncs() }
        #expect(sharedPage.acknowledged == acknowledged)
        #expect(sharedPage.marks(except: 63) != 0)
        store.abandon()
    }

    @Test func `an answer that needs no sync waits for the sync of a peer, and once for one that never ends`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        let sharedPage = stores[0].parts.sharedPage
        let slot = stores[0].parts.livenessLock.slot
        sharedPage.set(.sync, of: slot)
        // Used by the other thread alone until that has ended.
        nonisolated(unsafe) let second = stores[1]
        let group = DispatchGroup()
        DispatchQueue(label: "second")
            .async(group: group) { [self] in
                #expect(throws: Never.self) { try run(second, .delete(TaskID(rawValue: 9))) == [.notFound] }
            }
        let deadline = ContinuousClock.now + .seconds(60)
        while beanrow_load(sharedPage.word(.syncIsAwaited, of: slot)) == 0 { try #require(.now < deadline) }
        sharedPage.clear(.sync, of: slot)
        group.wait()
        #expect(beanrow_load(sharedPage.word(.syncIsAwaited, of: slot)) == 0)

        // The first manager is stopped inside a sync.
        sharedPage.set(.sync, of: slot)
        try run(second, .delete(TaskID(rawValue: 9)))
        beanrow_store(sharedPage.word(.syncIsAwaited, of: slot), 0)
        try run(second, .delete(TaskID(rawValue: 9)))
        #expect(beanrow_load(sharedPage.word(.syncIsAwaited, of: slot)) == 0, "it is not waited for again")
        sharedPage.clear(.sync, of: slot)
        for store in stores { try store.leave() }
    }
}
