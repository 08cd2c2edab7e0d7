import CPlatform
import Glibc
import TaskStore

/// The tubes that each manager subscribes to, and those of them of which other managers have notified it: bits in the
/// lock file, after ``SharedPage``.
///
/// The shared page has one word for the subscriptions of a manager, which is enough to find out quickly that no manager
/// is concerned. Here each tube number has a bit of its own, up to ``bits`` of them. So a manager with thousands of
/// waiting sessions is woken only for the tubes that they wait for, and knows which tube it is.
///
/// The subscription bits are set under the writer lock, inside the transaction whose claim found too few tasks, and
/// read under it after a commit. So of a put and a wait for it one always sees the other. The notification bits are set
/// after the commit that they announce, before the manager is woken.
///
/// `@unchecked Sendable`: other processes read and write the words too, and each access is one atomic operation.
final class TubeNotifications: @unchecked Sendable {
    /// The number of tubes that have bits of their own.
    ///
    /// Tubes whose numbers differ by a multiple of this share one.
    static let bits = 8192

    private static let wordsOfBits = bits / 64

    /// After the shared page, on a boundary of pages of any size.
    private static let offset = 65536

    /// In a slot: the subscription bits, the notification bits, and ``SlotWord``.
    private static let wordsOfSlot = 2 * wordsOfBits + 8

    private static let size = SharedPage.slots * wordsOfSlot * MemoryLayout<UInt64>.size

    /// The words of a slot after its bits.
    private enum SlotWord: Int {
        /// Whether the manager subscribes to tubes whose numbers may change.
        case subscribesToAny

        /// Whether another manager has taken a named session from this one's connections.
        case superseded
    }

    private let words: UnsafeMutablePointer<UInt64>

    /// Maps its part of the lock file.
    ///
    /// - Parameter path: the lock file; the writer lock is held.
    /// - Throws: ``StoreError/Code/unusable``.
    init(path: String) throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        defer { close(descriptor) }
        // Allocated, not only extended: on a full disk, a write to a mapped hole kills the process.
        let code = posix_fallocate(descriptor, off_t(Self.offset), Self.size)
        guard code == 0 else { throw StoreError(.unusable, "\(path): \(systemErrorText(code))") }
        let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, off_t(Self.offset))
        guard let memory, memory != MAP_FAILED else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        words = memory.bindMemory(to: UInt64.self, capacity: Self.size / MemoryLayout<UInt64>.size)
    }

    deinit {
        munmap(words, Self.size)
    }

    /// Returns the bit of a tube's number.
    static func bit(_ tube: Int64) -> Int { Int(tube & Int64(bits - 1)) }

    // Subscriptions.

    /// Clears everything that a slot's last manager has left.
    func clear(_ slot: Int) {
        for index in 0..<Self.wordsOfSlot { beanrow_store(words + slot * Self.wordsOfSlot + index, 0) }
    }

    /// Sets whether the manager in a slot subscribes to tubes with this bit.
    func setSubscribed(_ bit: Int, _ isSubscribed: Bool, _ slot: Int) {
        let word = subscribed(bit / 64, slot)
        let mask: UInt64 = 1 << UInt64(bit % 64)
        // Only the slot's own manager writes here.
        beanrow_store(word, isSubscribed ? beanrow_load(word) | mask : beanrow_load(word) & ~mask)
    }

    /// Sets whether the manager in a slot subscribes to tubes whose numbers may change: it is notified of every tube.
    func setSubscribesToAny(_ awaits: Bool, _ slot: Int) {
        beanrow_store(word(.subscribesToAny, slot), awaits ? 1 : 0)
    }

    // Notifications.

    /// Notifies the managers that subscribe to tubes.
    ///
    /// The writer lock is held, and the tasks in the tubes are committed.
    ///
    /// - Parameters:
    ///   - tubes: the numbers of the tubes.
    ///   - slots: one bit per slot that may be concerned.
    /// - Returns: one bit per slot whose manager is concerned and has to be woken.
    func notify(_ tubes: [Int64], at slots: UInt64) -> UInt64 {
        var (rest, concerned) = (slots, UInt64(0))
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            let subscribesToAny = beanrow_load(word(.subscribesToAny, slot)) != 0
            for tube in tubes {
                let bit = Self.bit(tube)
                let mask: UInt64 = 1 << UInt64(bit % 64)
                guard subscribesToAny || beanrow_load(subscribed(bit / 64, slot)) & mask != 0 else { continue }
                beanrow_set_bits(notified(bit / 64, slot), mask)
                concerned |= 1 << UInt64(slot)
            }
        }
        return concerned
    }

    /// Notifies the managers in some slots that one of their connections may have lost its named session.
    func notifySuperseded(_ slots: UInt64) {
        for slot in 0..<SharedPage.slots where slots & (1 << UInt64(slot)) != 0 {
            beanrow_store(word(.superseded, slot), 1)
        }
    }

    /// Takes the bits of the tubes of which other managers have notified a slot.
    func takeNotified(_ slot: Int) -> [Int] {
        var bits: [Int] = []
        for index in 0..<Self.wordsOfBits where beanrow_load(notified(index, slot)) != 0 {
            var word = beanrow_swap(notified(index, slot), 0)
            while word != 0 {
                bits.append(index * 64 + word.trailingZeroBitCount)
                word &= word - 1
            }
        }
        return bits
    }

    /// Takes whether a connection of a slot's manager may have lost its named session.
    func takeDisplaced(_ slot: Int) -> Bool {
        beanrow_load(word(.superseded, slot)) != 0 && beanrow_swap(word(.superseded, slot), 0) != 0
    }

    private func subscribed(_ index: Int, _ slot: Int) -> UnsafeMutablePointer<UInt64> {
        words + slot * Self.wordsOfSlot + index
    }

    private func notified(_ index: Int, _ slot: Int) -> UnsafeMutablePointer<UInt64> {
        subscribed(Self.wordsOfBits + index, slot)
    }

    private func word(_ word: SlotWord, _ slot: Int) -> UnsafeMutablePointer<UInt64> {
        subscribed(2 * Self.wordsOfBits + word.rawValue, slot)
    }
}
