import Glibc
import TaskStore

/// What the kernel calls the machine's present boot (random(4), `/proc/sys/kernel/random/boot_id`).
struct BootID: Equatable, Sendable {
    var high: UInt64
    var low: UInt64

    /// Reads the present boot's.
    ///
    /// - Throws: ``StoreError/Code/unusable`` if the kernel does not say.
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

/// Reads a file of the kernel's, of a few lines.
///
/// - Returns: nil if it cannot be read.
func readSmallFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
        let count = read(descriptor, buffer.baseAddress, buffer.count)
        return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }
}
