import CPlatform
import Glibc
import TaskStore

/// The words that all managers of a store share: the lock file, mapped into memory.
///
/// The bytes of the first 8 words are locked as proofs of life (``LivenessLock``) and have no content. ``Word`` names
/// the words of all managers, ``SlotWord`` the words of one.
///
/// Most of them decide only how fast managers are. Correctness depends on these: The subscriptions are set and read
/// under the writer lock, so that of a put and a wait for it one always sees the other. The promised number of commits
/// is raised under the writer lock, and the synced one never before a sync that covers it. The marks and
/// ``hasIOFailed`` say what the disk may not hold (``SQLiteStore/recoverFromDeadSyncs(lockHeld:)``). The clocks decide
/// how long a claim lasts (``StoreClock``).
///
/// The words are valid as long as the machine runs. Nothing syncs them, and after a power cut they may be from several
/// moments. So they count only if the boot id in them is the machine's.
///
/// `@unchecked Sendable`: other processes read and write the words too, and each access is one atomic operation.
final class SharedPage: @unchecked Sendable {
    /// The largest number of managers of a store.
    static let slots = 64

    /// The version of the layout; 1 was used by Beanrow 0.1.0.
    private static let version: UInt64 = 2

    /// The words that belong to no slot; 8 to 15 have the positions of version 1.
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

        /// The machine's boot id, in two words (``BootID``). Set last when the words are initialised.
        case bootIDHigh
        case bootIDLow

        /// See ``hasIOFailed``.
        case suspect

        /// See ``logSalt``.
        case logSalt

        /// See ``acknowledged``.
        case acknowledged

        /// What is added to the time since the boot to get claim time and wall time, in milliseconds (``StoreClock``).
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

        /// Whether the manager has a notification that it has not noticed yet.
        case isNotified

        /// See ``notifications(_:)``.
        case notifications

        /// The number of turns of the manager's event loop.
        case turns

        /// The marks of its two threads that sync (``SyncMark``).
        case syncMark
        case copyMark

        /// Whether another manager sleeps until ``syncMark`` changes.
        case syncIsAwaited
    }

    private static let firstSlotWord = 64
    private static let wordsOfSlot = 7

    /// The size of the file: one page, so that the mapping never reaches beyond its end.
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
        // Allocated, not only extended: on a full disk, a write to a mapped hole kills the process.
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

    /// Whether the words have the layout of this program.
    var isKnownLayout: Bool { self[.version] == Self.version }

    /// Returns whether the words are from this boot of the machine.
    func isOf(_ boot: BootID) -> Bool {
        isKnownLayout && self[.bootIDHigh] == boot.high && self[.bootIDLow] == boot.low
    }

    /// Sets all words to 0, and then the layout and the boot id.
    ///
    /// The writer lock is held, and no other manager of any version lives.
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
    /// - Returns: false if the word has another value than `old`. Nothing has happened in that case.
    func exchange(_ word: Word, _ old: UInt64, for new: UInt64) -> Bool {
        beanrow_exchange(words + word.rawValue, old, new) != 0
    }

    /// Returns the address of a slot's word.
    func word(_ word: SlotWord, of slot: Int) -> UnsafeMutablePointer<UInt64> {
        words + Self.firstSlotWord + Self.wordsOfSlot * slot + word.rawValue
    }

    /// Frames in the log after the last commit of any manager; 0 after a complete checkpoint.
    var logFrames: Int {
        get { Int(truncatingIfNeeded: self[.logFrames]) }
        set { self[.logFrames] = UInt64(newValue) }
    }

    /// The number of frames in the log when a checkpoint could not be completed; 0 if the last one was completed.
    var blockedCheckpoint: Int {
        get { Int(truncatingIfNeeded: self[.blockedCheckpoint]) }
        set { self[.blockedCheckpoint] = UInt64(newValue) }
    }

    /// The number of frames in the log when a manager began to copy them; 0 if none has since the log was started over.
    var copyBegan: Int {
        get { Int(truncatingIfNeeded: self[.copyBegan]) }
        set { self[.copyBegan] = UInt64(newValue) }
    }

    /// How many of them are in the database on the disk; 0 until the copy is complete.
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

    /// The number of the last commit that is on the disk, with all commits before it.
    var synced: UInt64 { self[.synced] }

    /// Publishes that a commit is on the disk, and wakes the managers that wait for one.
    func raiseSynced(to commit: UInt64) {
        beanrow_raise(words + Word.synced.rawValue, commit)
        if beanrow_swap(words + Word.waits.rawValue, 0) != 0 { beanrow_wake_waiting(words + Word.synced.rawValue) }
    }

    /// Sleeps until a commit is on the disk, up to a deadline.
    ///
    /// - Parameters:
    ///   - commit: its number.
    ///   - deadline: when to stop waiting.
    /// - Returns: whether it is.
    func waitUntilSynced(_ commit: UInt64, until deadline: ContinuousClock.Instant) -> Bool {
        while true {
            // First the word is set, then the number read: a manager that raises the number after that finds the word.
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
