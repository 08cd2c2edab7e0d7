import Glibc
import TaskStore
import Testing

@testable import SQLiteStore

/// Writes and syncs that have failed, in this process or in another one.
@Suite struct IOFailureTests {
    let place: TemporaryStore

    init() throws {
        place = try TemporaryStore()
    }

    let put = Action.put(NewTask(tube: .default, priority: 0, delay: 0, timeToRun: 60, body: [1, 2, 3]))

    @discardableResult
    func run(_ store: SQLiteStore, _ actions: Action...) throws -> [Outcome] {
        let session = SessionID(connection: 1, of: store.manager)
        return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: .start)).outcomes
    }

    func expectLost(_ body: () throws -> Void) {
        #expect {
            try body()
        } throws: { error in
            (error as? StoreError)?.code == .lost
        }
    }

    @Test func `after a failed write no manager answers, copies, or leaves normally`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        try run(stores[0], put, put)
        for store in stores { try store.makeDurable() }
        stores[0].parts.sharedPage.hasIOFailed = true
        for store in stores {
            expectLost { try run(store, put) }
            expectLost { try run(store, .peek(TaskID(rawValue: 1))) }
            expectLost { try store.makeDurable() }
            expectLost { _ = try store.maintain(at: .start) }
            expectLost { try store.checkpoint() }
        }
        let log = fileLength(place.path + "-wal")
        for store in stores { expectLost { try store.leave() } }
        #expect(fileLength(place.path + "-wal") == log, "the log stays")

        // The next manager is alone, and writes everything again.
        let next = try place.open("c")
        #expect(!next.parts.sharedPage.hasIOFailed)
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 2)
        try run(next, put)
        try next.makeDurable()
        try next.leave()
        try place.audit()
    }

    @Test func `a manager whose sync fails records that and keeps its mark`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        try run(stores[0], put)
        let slot = stores[0].parts.livenessLock.slot
        // A sync of a pipe fails.
        var pipes: [Int32] = [0, 0]
        try #require(pipe(&pipes) == 0)
        try #require(dup2(pipes[0], stores[0].parts.walSync.descriptor) >= 0)
        for descriptor in pipes { close(descriptor) }
        expectLost { try stores[0].makeDurable() }
        #expect(stores[0].parts.sharedPage.hasIOFailed)
        #expect(!stores[0].parts.sharedPage.marked(slot).isEmpty)
        expectLost { try run(stores[1], put) }
        for store in stores { store.abandon() }
        let next = try place.open("c")
        #expect(next.parts.sharedPage.marks(except: 63) == 0)
        try next.leave()
    }

    @Test func `peers repeat the sync in which a manager was killed, and continue`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        let sharedPage = stores[0].parts.sharedPage
        try run(stores[0], put)
        try stores[0].makeDurable()
        let known = sharedPage.acknowledged.frames
        try run(stores[0], put, put)
        sharedPage.set(.sync, of: stores[0].parts.livenessLock.slot)
        #expect(
            sharedPage.marked(stores[0].parts.livenessLock.slot) == [.init(salt: sharedPage.logSalt, frames: known)]
        )
        try stores[1].makeDurable()
        #expect(
            sharedPage.marks(except: stores[1].parts.livenessLock.slot) != 0,
            "a living manager's mark is left alone"
        )
        let syncs = sharedPage.acknowledged.frames
        stores[0].abandon()

        try run(stores[1], put)
        try stores[1].makeDurable()
        #expect(sharedPage.marks(except: stores[1].parts.livenessLock.slot) == 0)
        #expect(sharedPage.acknowledged.frames > syncs)
        #expect(!sharedPage.hasIOFailed)
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 4)
        try stores[1].leave()
        try place.audit()
    }

    @Test func `a peer that cannot repeat a sync records a failed write`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        let sharedPage = stores[0].parts.sharedPage
        try run(stores[0], put)
        sharedPage.set(.sync, of: stores[0].parts.livenessLock.slot)
        stores[0].abandon()
        // The kernel has lost the last writes.
        try damageLog(frame: sharedPage.logFrames - 1)
        let acknowledged = sharedPage.acknowledged
        expectLost {
            try run(stores[1], put)
            try stores[1].makeDurable()
        }
        #expect(sharedPage.hasIOFailed)
        #expect(sharedPage.acknowledged == acknowledged, "no client was told anything")
        stores[1].abandon()
    }

    @Test func `a manager that joins others writes the log again before its first answer`() throws {
        let first = try place.open("a")
        try run(first, put, put, put)
        try first.makeDurable()
        try damageLog(frame: first.parts.sharedPage.logFrames - 1)
        // Another program has received the error, and the kernel has dropped the pages: only the checksums show it.
        expectLost { _ = try place.open("b") }
        #expect(first.parts.sharedPage.hasIOFailed)
        expectLost { try run(first, put) }
        first.abandon()
    }

    @Test func `missing frames that were acknowledged are reported`() throws {
        let store = try place.open()
        try run(store, put)
        try store.makeDurable()
        try run(store, put)
        try store.makeDurable()
        let frames = store.parts.sharedPage.logFrames
        store.abandon()
        try damageLog(frame: frames - 1)
        for _ in 1...2 {
            #expect {
                _ = try place.open()
            } throws: { error in
                let error = error as? StoreError
                return error?.code == .acknowledgedTasksGone && error?.message.contains("acknowledged are gone") == true
                    && error?.message.contains(place.path + "-lock") == true
            }
        }
        // A person accepts the loss.
        unlink(place.path + "-lock")
        let next = try place.open()
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 1)
        try next.leave()
        try place.audit()
    }

    @Test func `missing frames that were not acknowledged are accepted`() throws {
        let store = try place.open()
        try run(store, put)
        try store.makeDurable()
        try run(store, put)
        let frames = store.parts.sharedPage.logFrames
        store.abandon()
        try damageLog(frame: frames - 1)
        let next = try place.open()
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 1)
        try next.leave()
        try place.audit()
    }

    @Test func `beside another program, a store is opened only if no write has failed`() throws {
        let store = try place.open()
        try run(store, put)
        try store.makeDurable()
        let sharedPage = store.parts.sharedPage
        let shell = try place.shell()
        _ = try shell.integer("SELECT count(*) FROM task")
        store.abandon()
        let second = try place.open()
        try run(second, put)
        try second.makeDurable()
        second.abandon()
        sharedPage.hasIOFailed = true
        #expect {
            _ = try place.open()
        } throws: { error in
            (error as? StoreError)?.code == .inUse
                && (error as? StoreError)?.message.contains("another program") == true
        }
        #expect(sharedPage.hasIOFailed)
        shell.close()
        let third = try place.open()
        #expect(!sharedPage.hasIOFailed)
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 2)
        try third.leave()
    }

    @Test func `frames that the kernel has lost are not read, though another program keeps their index`() throws {
        let store = try place.open()
        try run(store, put)
        try store.makeDurable()
        let shell = try place.shell()
        #expect(try shell.integer("SELECT count(*) FROM task") == 1)
        let known = store.parts.sharedPage.logFrames
        try run(store, put, put)
        let frames = store.parts.sharedPage.logFrames
        store.abandon()
        for frame in known..<frames { try damageLog(frame: frame) }
        let next = try place.open()
        #expect(try shell.integer("SELECT count(*) FROM task") == 1)
        try run(next, put)
        try next.makeDurable()
        try next.leave()
        try place.audit()
    }

    @Test
    func
        `after a failed write, another program that closes the database does not copy frames that the kernel has lost`()
        throws
    {
        let store = try place.open()
        try run(store, put)
        try store.makeDurable()
        let shell = try place.shell()
        #expect(try shell.integer("SELECT count(*) FROM task") == 1)
        let known = store.parts.sharedPage.logFrames
        try run(store, put, put)
        let frames = store.parts.sharedPage.logFrames
        store.parts.sharedPage.hasIOFailed = true
        expectLost { _ = try store.maintain(at: .start) }
        store.abandon()
        for frame in known..<frames { try damageLog(frame: frame) }
        shell.close()
        #expect(FileIdentity(path: place.path + "-wal") == nil, "it has copied the log and removed it")
        let next = try place.open()
        #expect(try place.shell().integer("SELECT count(*) FROM task") == 1)
        try next.leave()
        try place.audit()
    }

    @Test func `the shared page of another boot is ignored`() throws {
        let store = try place.open()
        let sharedPage = store.parts.sharedPage
        try run(store, put)
        try store.makeDurable()
        let shell = try place.shell()
        _ = try shell.integer("SELECT count(*) FROM task")
        sharedPage.hasIOFailed = true
        sharedPage[.bootIDLow] = sharedPage[.bootIDLow] ^ 1
        store.abandon()
        let next = try place.open()
        #expect(!sharedPage.hasIOFailed)
        try next.leave()
    }

    @Test func `a normal end leaves no log, after the database is on the disk`() throws {
        let stores = [try place.open("a"), try place.open("b")]
        try run(stores[0], put)
        try stores[0].leave()
        #expect(fileLength(place.path + "-wal") > 0)
        try stores[1].leave()
        #expect(FileIdentity(path: place.path + "-wal") == nil)
        #expect(FileIdentity(path: place.path + "-shm") == nil)
    }

    func damageLog(frame: Int) throws {
        let descriptor = open(place.path + "-wal", O_RDWR | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0xA5, count: 64)
        let offset = WALPosition.headerBytes + frame * (WALPosition.frameHeaderBytes + 4096) + 1000
        try #require(pwrite(descriptor, &bytes, bytes.count, off_t(offset)) == bytes.count)
    }
}
