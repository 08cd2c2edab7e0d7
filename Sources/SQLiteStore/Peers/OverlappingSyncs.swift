import CPlatform
import TaskStore

/// Waits for syncs of the log that other managers have not finished.
///
/// After a failed write-back the kernel may show old bytes. The manager that asked for the sync may be killed before it
/// can say so. Its mark stays set. But until the kernel has released its liveness lock, some milliseconds later, its
/// peers take it for alive. A peer that syncs gets the error itself. A peer that only reads does not: it could answer
/// `NOT_FOUND` for a task whose page is lost. So it answers only when each sync that was in progress at that moment has
/// ended: the mark has changed, or the other manager is known to be dead, or the failure is known.
///
/// A manager that is stopped inside its sync is waited for once, up to ``patience``.
///
/// Confined to the store's thread.
final class OverlappingSyncs {
    /// How long to wait for one sync: longer than the kernel needs to end a killed process on a busy machine.
    private static let patience = Duration.milliseconds(500)

    /// How many milliseconds to sleep until the other manager's lock is checked again.
    private static let interval: Int32 = 1

    private let sharedPage: SharedPage
    private let livenessLock: LivenessLock

    /// The syncs that have not ended in time: the mark of each slot.
    private var stalled = [UInt64](repeating: 0, count: SharedPage.slots)
    private var found: [(slot: Int, mark: UInt64)] = []

    /// Uses the shared page.
    ///
    /// - Parameters:
    ///   - sharedPage: the shared page.
    ///   - livenessLock: this manager's lock.
    init(_ sharedPage: SharedPage, _ livenessLock: LivenessLock) {
        self.sharedPage = sharedPage
        self.livenessLock = livenessLock
    }

    /// Returns when the syncs of all other managers that are in progress now have ended.
    ///
    /// This manager's own mark is not set. So no two managers wait for each other.
    ///
    /// - Throws: ``StoreError/Code/failed``.
    func wait() throws(StoreError) {
        var rest = sharedPage.usedSlots & ~(1 << UInt64(livenessLock.slot))
        found.removeAll(keepingCapacity: true)
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            let mark = beanrow_load(sharedPage.word(.syncMark, of: slot))
            if mark != 0, mark != stalled[slot] { found.append((slot, mark)) }
        }
        for (slot, mark) in found { try wait(slot, while: mark) }
    }

    private func wait(_ slot: Int, while mark: UInt64) throws(StoreError) {
        let word = sharedPage.word(.syncMark, of: slot)
        guard beanrow_load(word) == mark else { return }
        let deadline = ContinuousClock.now + Self.patience
        while true {
            // First the word is set, then the mark read: a manager that clears its mark after that finds the word.
            beanrow_store(sharedPage.word(.syncIsAwaited, of: slot), 1)
            beanrow_wait_for(word, mark, Self.interval)
            guard beanrow_load(word) == mark, !sharedPage.hasIOFailed, try livenessLock.isAlive(slot) else { return }
            guard ContinuousClock.now < deadline else {
                stalled[slot] = mark
                return
            }
        }
    }
}
