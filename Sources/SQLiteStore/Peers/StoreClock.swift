import Glibc
import TaskStore

/// The two clocks that all managers of a store share.
///
/// **Claim time** decides how long a claim lasts. It is the time since the machine's boot plus an offset that does not
/// change until the next boot. So setting the machine's clock neither ends nor extends a claim. **Wall time** decides
/// when delays, pauses and kept keys end. It is the time since the boot plus an offset that follows the machine's clock
/// (``WallOffset``). Both are milliseconds, near UTC.
///
/// The offsets are in the shared page, so that a claim of one manager means the same to all others. They are changed
/// only under the writer lock, and read inside the transaction that uses them.
///
/// The time since the boot is CLOCK_BOOTTIME, which continues while the machine sleeps (clock_gettime(2)).
struct StoreClock {
    /// Where the time comes from.
    enum Source: Sendable {
        /// The machine's clocks.
        case machine

        /// Each batch gives the time of both clocks, for tests.
        case batches

        /// The machine's clocks. The one that can be set is ahead by the number of milliseconds that this returns, for
        /// tests.
        case ahead(@Sendable () -> Int64)

        var isBatches: Bool {
            if case .batches = self { true } else { false }
        }
    }

    private let sharedPage: SharedPage
    let source: Source

    /// What has to be subtracted from this process's CLOCK_BOOTTIME to get the machine's: 0 except in a time namespace.
    private let namespaceOffset: Int64

    init(_ sharedPage: SharedPage, _ source: Source) {
        self.sharedPage = sharedPage
        self.source = source
        self.namespaceOffset = Self.namespaceOffset(in: readSmallFile("/proc/self/timens_offsets") ?? "")
    }

    /// Returns how far a time namespace has moved CLOCK_BOOTTIME (time_namespaces(7)), in milliseconds.
    static func namespaceOffset(in text: String) -> Int64 {
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count == 3, fields[0] == "boottime", let seconds = Int64(fields[1]),
                let nanoseconds = Int64(fields[2])
            else { continue }
            return seconds * 1000 + nanoseconds / 1_000_000
        }
        return 0
    }

    /// Milliseconds since the machine's boot.
    private var sinceBoot: Int64 { Self.milliseconds(CLOCK_BOOTTIME) - namespaceOffset }

    /// The machine's clock, which can be set, in milliseconds.
    private var machine: Int64 {
        let time = Self.milliseconds(CLOCK_REALTIME)
        return if case .ahead(let ahead) = source { time + ahead() } else { time }
    }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Claim time and wall time at one instant.
    struct Reading: Equatable {
        var claim: Int64
        var wall: Int64
    }

    /// Reads both clocks.
    ///
    /// - Parameter batch: the batch's time, for tests.
    /// - Returns: the time of both.
    func read(_ batch: Timestamp) -> Reading {
        guard !source.isBatches else { return Reading(claim: batch.rawValue, wall: batch.rawValue) }
        let now = sinceBoot
        return Reading(claim: now + signed(.claimOffset), wall: now + signed(.wallOffset))
    }

    /// Whether the clocks were started since the boot.
    var isStarted: Bool { sharedPage[.claimOffset] != 0 }

    /// Starts both clocks with the time of the machine's.
    ///
    /// The writer lock is held and no other manager lives.
    func start() {
        let offset = machine - sinceBoot
        set(.claimOffset, offset)
        set(.wallOffset, offset)
        set(.wallMoved, 0)
    }

    /// Whether the wall clock differs so much from the machine's that following is worth taking the writer lock.
    var isBehind: Bool {
        guard !source.isBatches else { return false }
        return abs(machine - sinceBoot - signed(.wallOffset)) > WallOffset.small
    }

    /// Makes the wall clock follow the machine's.
    ///
    /// The writer lock is held.
    ///
    /// - Returns: a line for the program's log if the machine's clock was set; nil otherwise.
    func follow() -> String? {
        guard !source.isBatches else { return nil }
        let now = sinceBoot
        let offsetOfMachine = machine - now
        let moved = signed(.wallMoved)
        let old = WallOffset(value: signed(.wallOffset), moved: moved == 0 ? nil : moved)
        var offset = old
        let event = offset.follow(offsetOfMachine, at: now)
        if offset != old {
            set(.wallOffset, offset.value)
            set(.wallMoved, offset.moved ?? 0)
        }
        switch event {
        case nil: return nil
        case .jumped(let milliseconds):
            return """
                the machine's clock was set by \(Self.seconds(milliseconds)) s; delays and pauses follow it at once, \
                claims do not
                """
        case .follows(let milliseconds):
            return """
                the machine's clock was set by \(Self.seconds(milliseconds)) s; delays and pauses follow it slowly, \
                claims do not
                """
        }
    }

    private static func seconds(_ milliseconds: Int64) -> String {
        let tenths = (abs(milliseconds) + 50) / 100
        return "\(milliseconds < 0 ? "-" : "+")\(tenths / 10).\(tenths % 10)"
    }

    /// How far claim time is ahead of the machine's clock, for SQL; nil if batches give the time.
    var claimTimeAheadOfMachine: Int64? {
        guard !source.isBatches else { return nil }
        return sinceBoot + signed(.claimOffset) - machine
    }

    private func signed(_ word: SharedPage.Word) -> Int64 { Int64(bitPattern: sharedPage[word]) }

    private func set(_ word: SharedPage.Word, _ value: Int64) { sharedPage[word] = UInt64(bitPattern: value) }
}
