import CPlatform
import Glibc
package import TaskStore

/// Syncs a directory, so that new files in it survive a power cut.
///
/// - Throws: ``StoreError/Code/unusable``.
package func syncDirectory(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
}

/// Returns the length of a file in bytes; 0 if there is none.
package func fileLength(_ path: String) -> Int64 {
    max(0, beanrow_file_length(path))
}

/// Reads a short file of the kernel.
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
