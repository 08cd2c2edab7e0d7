import Glibc
import TaskStore

/// The kernel's identifier of the machine's current boot (random(4), `/proc/sys/kernel/random/boot_id`).
struct BootID: Equatable, Sendable {
    var high: UInt64
    var low: UInt64

    /// Reads the identifier of the current boot.
    ///
    /// - Throws: ``StoreError/Code/unusable`` if it cannot be read.
    static func current() throws(StoreError) -> BootID {
        let path = "/proc/sys/kernel/random/boot_id"
        guard let text = readSmallFile(path), let id = BootID(text) else {
            throw StoreError(
                .unusable,
                "\(path): cannot be read; it is needed to know whether the machine was restarted"
            )
        }
        return id
    }

    /// Reads a UUID.
    ///
    /// - Returns: nil if it does not have 32 hexadecimal digits.
    init?(_ text: String) {
        let digits = text.filter(\.isHexDigit)
        guard digits.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        self.high = high
        self.low = low
    }
}
