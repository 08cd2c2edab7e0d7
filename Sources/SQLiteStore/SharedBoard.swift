import CPlatform
import Glibc
import TaskStore

/// The words that all managers of a store share: the lock file, mapped into memory.
///
/// Layout, in 64-bit words: the first 8 words' bytes are the slots' proofs of life (``Slot``) and hold nothing; then the
/// layout's version, the frames in the log after the last commit, those it had when a checkpoint was blocked, three for
/// ``SharedSync``: the last commit that is going to be synced, the last one that is, and whether somebody waits for that;
/// two for ``LogCopier``: the frames in the log when somebody began to copy them, and how many of them are copied;
/// from word 16 on four words a slot: the mask of awaited tubes, whether the manager is rung for, how often it was, and one
/// that is not used.
///
/// What is in them decides how quick managers are, but for three: the awaited masks are set and read under the writer lock,
/// so that of a put and a wait for it one always sees the other; and of the commits the first number is raised under the
/// writer lock, and the second never before a sync that covers it.
///
/// Unchecked since the words are read and written by other processes too: each access is one atomic operation.
final class SharedBoard: @unchecked Sendable {
    /// How many managers a store can have at once.
    static let slots = 64

    private static let version: UInt64 = 1
    private static let versionWord = 8
    private static let logFramesWord = 9
    private static let checkpointWord = 10
    private static let promisedWord = 11
    private static let syncedWord = 12
    private static let waitsWord = 13
    private static let copyWord = 14
    private static let copiedWord = 15
    private static let firstSlotWord = 16
    private static let wordsOfSlot = 4

    /// The file's size; a page, so that mapping it never reaches behind its end.
    static let size = 4096

    private let words: UnsafeMutablePointer<UInt64>

    /// Maps the lock file.
    ///
    /// - Parameters:
    ///   - descriptor: the lock file, open for writing; the writer lock is held.
    ///   - path: for messages.
    /// - Throws: ``StoreError/Code/unusable``.
    init(descriptor: Int32, path: String) throws(StoreError) {
        // Allocated, not only lengthened: a write to a mapped hole of a full disk kills the process.
        let code = posix_fallocate(descriptor, 0, Self.size)
        guard code == 0 else { throw StoreError(.unusable, "\(path): \(systemErrorText(code))") }
        guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), memory != MAP_FAILED
        else {
            throw StoreError(.unusable, "\(path): \(lastSystemError())")
        }
        self.words = memory.bindMemory(to: UInt64.self, capacity: Self.size / MemoryLayout<UInt64>.size)
        switch beanrow_load(words + Self.versionWord) {
        case 0: beanrow_store(words + Self.versionWord, Self.version)
        case Self.version: break
        default: throw StoreError(.unusable, "\(path): made by another version of Beanrow")
        }
    }

    deinit {
        munmap(words, Self.size)
    }

    /// Frames in the log after the last commit of any manager; 0 after a complete checkpoint.
    var logFrames: Int {
        get { Int(truncatingIfNeeded: beanrow_load(words + Self.logFramesWord)) }
        set { beanrow_store(words + Self.logFramesWord, UInt64(newValue)) }
    }

    /// How many frames the log had when a checkpoint could not be completed; 0 where the last one was.
    var blockedCheckpoint: Int {
        get { Int(truncatingIfNeeded: beanrow_load(words + Self.checkpointWord)) }
        set { beanrow_store(words + Self.checkpointWord, UInt64(newValue)) }
    }

    /// How many frames the log had when somebody began to copy them; 0 where nobody has since the log was started over.
    var copyBegan: Int {
        get { Int(truncatingIfNeeded: beanrow_load(words + Self.copyWord)) }
        set { beanrow_store(words + Self.copyWord, UInt64(newValue)) }
    }

    /// How many of them are in the database and on the disk there; 0 until the copy is complete.
    var copied: Int {
        get { Int(truncatingIfNeeded: beanrow_load(words + Self.copiedWord)) }
        set { beanrow_store(words + Self.copiedWord, UInt64(newValue)) }
    }

    /// The number of the last commit that its manager is going to sync.
    ///
    /// Set under the writer lock.
    var promised: UInt64 {
        get { beanrow_load(words + Self.promisedWord) }
        set { beanrow_store(words + Self.promisedWord, newValue) }
    }

    /// The number of the last commit that is on the disk, and with it all that were before.
    var synced: UInt64 { beanrow_load(words + Self.syncedWord) }

    /// Says that a commit is on the disk, and wakes those who wait for one.
    func raiseSynced(to commit: UInt64) {
        beanrow_raise(words + Self.syncedWord, commit)
        if beanrow_swap(words + Self.waitsWord, 0) != 0 { beanrow_wake_waiting(words + Self.syncedWord) }
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
            beanrow_store(words + Self.waitsWord, 1)
            let synced = self.synced
            if synced >= commit { return true }
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            let milliseconds = left / .milliseconds(1)
            beanrow_wait_for(words + Self.syncedWord, synced, Int32(clamping: Int(milliseconds.rounded(.up))))
        }
    }

    /// The tubes that the manager in a slot awaits, a bit for each 64th number.
    func awaited(_ slot: Int) -> UInt64 {
        beanrow_load(word(0, of: slot))
    }

    /// Sets the tubes that the manager in a slot awaits.
    func setAwaited(_ mask: UInt64, _ slot: Int) {
        beanrow_store(word(0, of: slot), mask)
    }

    /// The slots whose managers await one of these tubes.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - mask: a bit for each 64th tube number.
    ///   - own: a slot that is left out.
    /// - Returns: a bit for each slot.
    func slots(awaiting mask: UInt64, except own: Int) -> UInt64 {
        guard mask != 0 else { return 0 }
        var slots: UInt64 = 0
        for slot in 0..<Self.slots where slot != own && awaited(slot) & mask != 0 {
            slots |= 1 << UInt64(slot)
        }
        return slots
    }

    /// Wakes the managers in some slots, unless they have been rung for and have not heard it yet.
    ///
    /// The writer lock need not be held. Where a slot's manager has gone nobody hears it.
    ///
    /// - Parameter slots: a bit for each slot.
    func ring(slots: UInt64) {
        var rest = slots
        while rest != 0 {
            ring(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }

    /// Wakes the manager in a slot.
    func ring(_ slot: Int) {
        guard beanrow_swap(word(1, of: slot), 1) == 0 else { return }
        beanrow_add(word(2, of: slot), 1)
        beanrow_wake_waiting(word(2, of: slot))
    }

    /// Has the next ring wake the manager in a slot: it has heard those before.
    func rearm(_ slot: Int) {
        beanrow_store(word(1, of: slot), 0)
    }

    /// How often the manager in a slot was rung for.
    func rings(_ slot: Int) -> UInt64 {
        beanrow_load(word(2, of: slot))
    }

    /// Sleeps until the manager in a slot is rung for.
    ///
    /// - Parameters:
    ///   - slot: the slot.
    ///   - seen: how often it had been.
    /// - Returns: how often it has been now.
    func waitForRing(_ slot: Int, after seen: UInt64) -> UInt64 {
        while true {
            let rings = self.rings(slot)
            if rings != seen { return rings }
            beanrow_wait_for(word(2, of: slot), seen, -1)
        }
    }

    private func word(_ index: Int, of slot: Int) -> UnsafeMutablePointer<UInt64> {
        words + Self.firstSlotWord + Self.wordsOfSlot * slot + index
    }
}
