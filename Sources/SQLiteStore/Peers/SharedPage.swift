import CPlatform
import Glibc
import TaskStore

/// The words that all managers of a store share: the lock file, mapped into memory.
///
/// The bytes of the first 8 words are the slots' proofs of life (``LivenessLock``) and hold nothing. ``Word`` names the words of all
/// managers, ``SlotWord`` those of one.
///
/// What is in most of them decides only how quick managers are. These exceptions are about what is right: the awaited masks
/// are set and read under the writer lock, so that of a put and a wait for it one always sees the other. Of the commits, the
/// promised number is raised under the writer lock, and the synced one never before a sync that covers it. The marks and
/// ``hasIOFailed`` say what the disk may not hold (``SQLiteStore/recoverFromDeadSyncs(lockHeld:)``). The clocks say how long a claim
/// lasts (``StoreClock``).
///
/// The words live as long as the machine runs: nothing syncs them, and after a power cut they may be of several moments.
/// So they count only if the boot id in them is the machine's.
///
/// Unchecked since the words are read and written by other processes too: each access is one atomic operation.
final class SharedPage: @unchecked Sendable {
    /// How many managers a store can have at once.
    static let slots = 64

    /// The layout's version; 1 was Beanrow 0.1.0's.
    private static let version: UInt64 = 2

    /// The words that belong to no slot; 8 to 15 are where version 1 had them.
    enum Word: Int {
        /// The layout's version; 0 in a new file.
        case version = 8

        /// See ``logFrames``.
        case logFrames

        /// See ``blockedCheckpoint``.
        case blockedCheckpoint

        /// See ``promised``.
        case promised

        /// See ``synced``.
        case synced

        /// Whether a manager sleeps on ``synced``.
        case waits

        /// See ``copyBegan``.
        case copyBegan

        /// See ``copied``.
        case copied

        /// The machine's boot id, in two words (``BootID``); set last when the words are initialised.
        case bootIDHigh
        case bootIDLow

        /// See ``hasIOFailed``.
        case suspect

        /// See ``logSalt``.
        case logSalt

        /// See ``acknowledged``.
        case acknowledged

        /// What turns the time since the boot into claim time and into wall time, in milliseconds (``StoreClock``).
        case claimOffset
        case wallOffset

        /// When the wall clock's offset was last moved while it follows slowly, in milliseconds since the boot; or 0.
        case wallMoved

        /// See ``usedSlots``.
        case usedSlots
    }

    /// The words of one slot.
    enum SlotWord: Int {
        /// See ``subscriptions(of:)``.
        case subscriptions

        /// Whether the manager is rung for and has not heard it yet.
        case isNotified

        /// See ``notifications(_:)``.
        case notifications

        /// How often the manager's event loop has come round.
        case turns

        /// The marks of its two threads that sync (``Mark``).
        case syncMark
        case copyMark

        /// Not used.
        case spare
    }

    private static let firstSlotWord = 64
    private static let wordsOfSlot = 7

    /// The file's size; a page, so that mapping it never reaches behind its end.
    static let size = 4096

    private let words: UnsafeMutablePointer<UInt64>
    private let path: String

    /// Maps the lock file.
    ///
    /// - Parameters:
    ///   - descriptor: the lock file, open for writing; the writer lock is held.
    ///   - path: for messages.
    /// - Throws: ``StoreError/Code/unusable``.
    init(descriptor: Int32, path: String) throws(StoreError) {
        // Allocated, not only lengthened: a write to a mapped hole of a full disk kills the process.
        let code = posix_fallocate(descriptor, 0, Self.size)
        guard code == 0 else { throw StoreError(opening: path, code) }
        guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else {
            throw StoreError(.unusable, "\(path): \(lastSystemError())")
        }
        self.words = memory.bindMemory(to: UInt64.self, capacity: Self.size / MemoryLayout<UInt64>.size)
        self.path = path
    }

    deinit {
        munmap(words, Self.size)
    }

    /// Whether the words have this program's layout.
    var isKnownLayout: Bool { self[.version] == Self.version }

    /// Whether the words are of this boot of the machine.
    func isOf(_ boot: BootID) -> Bool {
        isKnownLayout && self[.bootIDHigh] == boot.high && self[.bootIDLow] == boot.low
    }

    /// Makes all words 0 and takes the layout and the boot id.
    ///
    /// The writer lock is held and no other manager lives, of whatever version.
    func initialise(for boot: BootID) {
        for index in Word.version.rawValue..<Self.size / MemoryLayout<UInt64>.size { beanrow_store(words + index, 0) }
        self[.version] = Self.version
        self[.bootIDHigh] = boot.high
        self[.bootIDLow] = boot.low
    }

    /// One of the words that belong to no slot.
    subscript(word: Word) -> UInt64 {
        get { beanrow_load(words + word.rawValue) }
        set { beanrow_store(words + word.rawValue, newValue) }
    }

    /// Replaces a word's value if no other process has changed it.
    ///
    /// - Returns: false if the word has another value than `old`; nothing has happened then.
    func exchange(_ word: Word, _ old: UInt64, for new: UInt64) -> Bool {
        beanrow_exchange(words + word.rawValue, old, new) != 0
    }

    /// The place of a slot's word.
    func word(_ word: SlotWord, of slot: Int) -> UnsafeMutablePointer<UInt64> {
        words + Self.firstSlotWord + Self.wordsOfSlot * slot + word.rawValue
    }

    /// Frames in the log after the last commit of any manager; 0 after a complete checkpoint.
    var logFrames: Int {
        get { Int(truncatingIfNeeded: self[.logFrames]) }
        set { self[.logFrames] = UInt64(newValue) }
    }

    /// How many frames the log had when a checkpoint could not be completed; 0 where the last one was.
    var blockedCheckpoint: Int {
        get { Int(truncatingIfNeeded: self[.blockedCheckpoint]) }
        set { self[.blockedCheckpoint] = UInt64(newValue) }
    }

    /// How many frames the log had when somebody began to copy them; 0 where nobody has since the log was started over.
    var copyBegan: Int {
        get { Int(truncatingIfNeeded: self[.copyBegan]) }
        set { self[.copyBegan] = UInt64(newValue) }
    }

    /// How many of them are in the database and on the disk there; 0 until the copy is complete.
    var copied: Int {
        get { Int(truncatingIfNeeded: self[.copied]) }
        set { self[.copied] = UInt64(newValue) }
    }

    /// The number of the last commit that its manager is going to sync.
    ///
    /// Set under the writer lock.
    var promised: UInt64 {
        get { self[.promised] }
        set { self[.promised] = newValue }
    }

    /// The number of the last commit that is on the disk, and with it all that were before.
    var synced: UInt64 { self[.synced] }

    /// Says that a commit is on the disk, and wakes those who wait for one.
    func raiseSynced(to commit: UInt64) {
        beanrow_raise(words + Word.synced.rawValue, commit)
        if beanrow_swap(words + Word.waits.rawValue, 0) != 0 { beanrow_wake_waiting(words + Word.synced.rawValue) }
    }

    /// Sleeps until a commit is on the disk, but not for long.
    ///
    /// - Parameters:
    ///   - commit: its number.
    ///   - deadline: when to give up.
    /// - Returns: whether it is.
    func waitUntilSynced(_ commit: UInt64, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            // First the word, then the look: whoever raises the number after the look finds the word.
            beanrow_store(words + Word.waits.rawValue, 1)
            let synced = self.synced
            if synced >= commit { return true }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            let milliseconds = left / .milliseconds(1)
            beanrow_wait_for(words + Word.synced.rawValue, synced, Int32(clamping: Int(milliseconds.rounded(.up))))
        }
    }
}
