import CPlatform
import Glibc
package import TaskStore

/// A manager's slot among its peers, and the proof that it lives: a lock on one byte of the lock file.
///
/// The kernel releases the lock when the process dies, and keeps it while the process is stopped; a heartbeat cannot
/// distinguish the two. The lock belongs to a descriptor of its own (`F_OFD_SETLK`), so that closing other descriptors
/// does not release it.
package final class LivenessLock {
    /// The number of the slot, from 0: the byte that is locked.
    let slot: Int

    private var descriptor: Int32
    private let path: String

    /// Takes the first free slot.
    ///
    /// The writer lock is held.
    ///
    /// - Parameter path: the lock file.
    /// - Throws: ``StoreError/Code/unusable``, also if all slots are taken.
    init(path: String) throws(StoreError) {
        self.path = path
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        self.descriptor = descriptor
        for slot in 0..<SharedPage.slots {
            switch beanrow_lock_byte(descriptor, Int64(slot)) {
            case 0:
                self.slot = slot
                return
            case EAGAIN, EACCES:
                continue
            case let code:
                close(descriptor)
                throw StoreError(.unusable, "\(path): \(systemErrorText(code))")
            }
        }
        close(descriptor)
        throw StoreError(.unusable, "\(path): \(SharedPage.slots) managers use the database, and no more can")
    }

    deinit {
        unlock()
    }

    /// Finds the slots of living managers, of any version.
    ///
    /// The writer lock is held, so no manager takes one at this moment.
    ///
    /// - Parameter path: the lock file.
    /// - Returns: their numbers, not with this process's own if it has taken none yet.
    /// - Throws: ``StoreError/Code/unusable``.
    package static func living(path: String) throws(StoreError) -> [Int] {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        defer { close(descriptor) }
        var living: [Int] = []
        for slot in 0..<SharedPage.slots {
            let answer = beanrow_byte_is_locked(descriptor, Int64(slot))
            guard answer >= 0 else { throw StoreError(.unusable, "\(path): \(systemErrorText(-answer))") }
            if answer == 1 { living.append(slot) }
        }
        return living
    }

    /// Releases the slot.
    ///
    /// Peers then see that this manager has ended.
    func unlock() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        descriptor = -1
    }

    /// Returns whether the manager in another slot lives.
    ///
    /// - Parameter slot: not this manager's own.
    /// - Returns: whether a process holds the slot's lock.
    /// - Throws: ``StoreError/Code/failed``.
    func isAlive(_ slot: Int) throws(StoreError) -> Bool {
        let answer = beanrow_byte_is_locked(descriptor, Int64(slot))
        guard answer >= 0 else { throw StoreError(.failed, "\(path): \(systemErrorText(-answer))") }
        return answer == 1
    }
}
