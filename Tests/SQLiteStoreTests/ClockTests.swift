import Synchronization
import TaskStore
import Testing

@testable import SQLiteStore

/// The two clocks that managers share.
@Suite struct ClockTests {
    /// Makes an offset follow the machine's clock.
    private func expect(
        _ offset: inout WallOffset,
        _ machine: Int64,
        at now: Int64,
        _ expected: WallOffset.Event?,
        _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let event = offset.follow(machine, at: now)
        #expect(event == expected, comment, sourceLocation: sourceLocation)
    }

    @Test func `a small difference is followed at once, in both directions`() {
        for difference in [-1000, -1, 1, 1000] as [Int64] {
            var offset = WallOffset(value: 5000, moved: nil)
            expect(&offset, 5000 + difference, at: 10, nil)
            #expect(offset == WallOffset(value: 5000 + difference, moved: nil))
        }
    }

    @Test func `a large difference is followed at once and reported`() {
        for difference in [-31_536_000_000, -60_001, 60_001, 28_800_000] as [Int64] {
            var offset = WallOffset(value: 0, moved: nil)
            expect(&offset, difference, at: 10, .jumped(difference))
            #expect(offset == WallOffset(value: difference, moved: nil))
            expect(&offset, difference, at: 20, nil, "told once")
        }
    }

    @Test(arguments: [-60_000, -1001, 1001, 60_000] as [Int64])
    func `a difference in between is followed by a tenth of the time, and told once`(_ difference: Int64) {
        var offset = WallOffset(value: 0, moved: nil)
        expect(&offset, difference, at: 1_000_000, .follows(difference))
        #expect(offset.value == 0, "time that passed before does not count")
        expect(&offset, difference, at: 1_000_009, nil)
        #expect(offset.value == 0, "nothing is lost by rounding")
        expect(&offset, difference, at: 1_005_000, nil)
        #expect(offset.value == difference.signum() * 500)
        // Until one second is left, which is followed at once.
        var now: Int64 = 1_005_000
        while abs(difference - offset.value) > WallOffset.small {
            now += 1000
            expect(&offset, difference, at: now, nil)
            #expect(abs(offset.value) <= abs(difference))
        }
        expect(&offset, difference, at: now, nil)
        #expect(offset == WallOffset(value: difference, moved: nil))
    }

    @Test func `a clock that is set back while it is followed is reported again`() {
        var offset = WallOffset(value: 0, moved: nil)
        expect(&offset, 30_000, at: 1000, .follows(30_000))
        expect(&offset, 0, at: 2000, nil)
        #expect(offset == WallOffset(value: 0, moved: nil))
        expect(&offset, -30_000, at: 3000, .follows(-30_000))
    }

    @Test func `the offset of a time namespace is known`() {
        #expect(StoreClock.namespaceOffset(in: "") == 0)
        #expect(
            StoreClock.namespaceOffset(in: "monotonic           0         0\nboottime            0         0\n") == 0
        )
        #expect(StoreClock.namespaceOffset(in: "monotonic  5 6\nboottime  86400  500000000\n") == 86_400_500)
        #expect(StoreClock.namespaceOffset(in: "boottime -10 500000000\n") == -9500)
    }

    @Test func `a boot id is 32 digits`() throws {
        #expect(BootID("0123456789abcdef-0000-0000-0000-00000000000f") == nil, "too many")
        let id = try #require(BootID("01234567-89ab-cdef-0000-00000000000f\n"))
        #expect(id.high == 0x0123_4567_89AB_CDEF)
        #expect(id.low == 0xF)
        #expect(try BootID.current() == BootID.current())
    }

    /// Opens a store that uses the machine's clocks.
    private func open(_ place: TemporaryStore, _ name: String = "a") throws -> SQLiteStore {
        try SQLiteStore.open(path: place.path, name: name, address: "", at: Timestamp(rawValue: 0))
    }

    private func run(_ store: SQLiteStore, _ actions: Action...) throws -> BatchResult {
        let session = SessionID(connection: 1, of: store.manager)
        let operations = actions.map { Operation(session: session, action: $0) }
        return try store.run(Batch(operations, now: Timestamp(rawValue: 0)))
    }

    private func task(delay: UInt32 = 0, timeToRun: UInt32 = 1000) -> Action {
        .put(NewTask(tube: .default, priority: 0, delay: delay, timeToRun: timeToRun, body: []))
    }

    private func timeLeft(_ store: SQLiteStore, _ id: Int64) throws -> Int64 {
        guard case .task(let statistics)? = try run(store, .taskStatistics(TaskID(rawValue: id))).outcomes.first else {
            throw StoreError(.failed, "no task \(id)")
        }
        return statistics.timeLeft
    }

    @Test func `setting the clock moves delays for all managers, and no claim`() throws {
        let place = try TemporaryStore()
        let ahead = Setting()
        let stores = try ["a", "b"]
            .map { name in
                var options = SQLiteStore.Options()
                options.clock = .ahead { ahead.value }
                return try SQLiteStore.open(
                    path: place.path,
                    name: name,
                    address: "",
                    at: Timestamp(rawValue: 0),
                    options: options
                )
            }
        _ = try run(stores[0], task(delay: 3600), task())
        _ = try run(stores[0], .claim(tubes: [.default], count: 1, waits: false))
        let claim = try timeLeft(stores[1], 2)
        #expect(claim > 900_000)

        ahead.value = 1_800_000
        _ = try run(stores[1], task())
        let left = try timeLeft(stores[0], 1)
        #expect((1_700_000...1_800_000).contains(left))
        #expect(try timeLeft(stores[0], 2) > claim - 60_000)
        let warnings = try stores.flatMap { try $0.maintain(at: Timestamp(rawValue: 0)).warnings }
        #expect(warnings.filter { $0.contains("clock was set by +1800.0 s") }.count == 1, "\(warnings)")

        ahead.value = -3_600_000
        _ = try stores[0].maintain(at: Timestamp(rawValue: 0))
        #expect(try timeLeft(stores[1], 1) > 7_000_000, "also if no manager writes")
        #expect(try timeLeft(stores[1], 2) > claim - 60_000)
        for store in stores { try store.leave() }
    }

    @Test func `SQL shows the time left of a claim by claim time`() throws {
        let place = try TemporaryStore()
        let store = try open(place)
        _ = try run(store, task())
        _ = try run(store, .claim(tubes: [.default], count: 1, waits: false))
        let sharedPage = store.parts.sharedPage
        // Like a machine whose clock was set back by an hour since the boot.
        sharedPage[.claimOffset] = UInt64(bitPattern: Int64(bitPattern: sharedPage[.claimOffset]) + 3_600_000)
        try place.shell().execute("UPDATE task_state SET due_ms = due_ms + 3600000")
        _ = try store.maintain(at: Timestamp(rawValue: 0))
        let left = try #require(try place.shell().integer("SELECT seconds_left FROM claim_overview"))
        #expect((900...1000).contains(left))
        #expect(try place.shell().integer("SELECT due > datetime('now', '+1 hour') FROM task_overview") == 0)
        try store.leave()
    }

    @Test func `claims of named sessions start again after a restart of the machine`() throws {
        let place = try TemporaryStore()
        let name = try #require(SessionName("s"))
        let store = try open(place)
        _ = try run(store, task(), .attach(name))
        _ = try run(store, .claim(tubes: [.default], count: 1, waits: false))
        try store.makeDurable()
        let sharedPage = store.parts.sharedPage
        store.abandon()
        // Another boot, with a clock that was a year ahead.
        sharedPage[.bootIDLow] = sharedPage[.bootIDLow] ^ 1
        try place.shell().execute("UPDATE task_state SET due_ms = due_ms - 31536000000")
        let next = try open(place)
        #expect(try timeLeft(next, 1) > 900_000)
        let taken = try run(next, .attach(name)).outcomes
        guard case .attached(let claims, _)? = taken.first else { throw StoreError(.failed, "\(taken)") }
        #expect(claims.map(\.id.rawValue) == [1])
        try next.leave()
    }

    @Test func `a manager that starts in the same boot does not change the clocks`() throws {
        let place = try TemporaryStore()
        let store = try open(place)
        let sharedPage = store.parts.sharedPage
        sharedPage[.claimOffset] = UInt64(bitPattern: Int64(bitPattern: sharedPage[.claimOffset]) + 123_456)
        let offset = sharedPage[.claimOffset]
        try store.leave()
        let next = try open(place)
        #expect(next.parts.sharedPage[.claimOffset] == offset)
        try next.leave()
    }

    @Test func `a manager counts as silent after two seconds without a turn`() {
        var silence = SilenceDetector(limit: .seconds(2))
        let start = ContinuousClock.now
        let notes: [(turns: UInt64, at: Duration, isSilent: Bool)] = [
            (7, .zero, false), (7, .milliseconds(1999), false), (7, .seconds(2), true),
            // It has had a turn.
            (8, .seconds(3), false), (8, .seconds(4), false),
        ]
        for note in notes {
            let isSilent = silence.note(note.turns, of: 1, at: start + note.at)
            #expect(isSilent == note.isSilent, "\(note)")
        }
        silence.keep([2])
        let isSilent = silence.note(8, of: 1, at: start + .seconds(9))
        #expect(!isSilent, "another manager has the slot")
    }

    @Test func `overdue claims of a silent manager are ended, and those of other managers are not`() throws {
        let place = try TemporaryStore()
        let stores = [try place.open("silent"), try place.open("judge")]
        func batch(_ store: SQLiteStore, _ actions: [Action], _ seconds: Int64 = 0) throws -> [Outcome] {
            let session = SessionID(connection: 1, of: store.manager)
            let now = Timestamp(rawValue: Timestamp.start.rawValue + seconds * 1000)
            return try store.run(Batch(actions.map { Operation(session: session, action: $0) }, now: now)).outcomes
        }
        let claim = Action.claim(tubes: [.default], count: 2, waits: false)
        _ = try batch(stores[0], [task(timeToRun: 10), task(timeToRun: 1000), claim])
        _ = try batch(stores[1], [task(timeToRun: 10), claim])
        let peer = ManagerRow(id: stores[0].manager, name: "silent", slot: stores[0].parts.livenessLock.slot)
        func end(_ seconds: Int64) throws -> Int {
            try stores[1].endClaimsIfSilent(peer, at: Timestamp(rawValue: Timestamp.start.rawValue + seconds * 1000))
        }
        #expect(try end(100) == 0, "it was seen a moment ago")
        stores[1].silenceDetector.setStart(of: peer.slot, to: .now - .seconds(48 * 3600))
        #expect(try end(10) == 0, "less than a second overdue")
        #expect(try end(11) == 1)
        #expect(try end(11) == 0)
        let counts = try place.shell().rows("SELECT pending || ' ' || claimed FROM tube")
        #expect(counts == ["1 2"])
        #expect(try batch(stores[0], [.delete(TaskID(rawValue: 1))], 12) == [.deleted], "no session holds it")
        stores[0].parts.sharedPage.countTurn(peer.slot)
        #expect(try end(5000) == 0, "it is no longer silent")
        try place.audit()
        for store in stores { try store.leave() }
    }
}

/// How far the machine's clock is ahead.
private final class Setting: Sendable {
    private let milliseconds = Mutex<Int64>(0)

    var value: Int64 {
        get { milliseconds.withLock { $0 } }
        set { milliseconds.withLock { $0 = newValue } }
    }
}
