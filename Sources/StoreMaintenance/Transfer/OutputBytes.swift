internal import Glibc
internal import TaskStore

/// Writes bytes with the calls of the system.
enum OutputBytes {
    /// Writes all bytes, and blocks the thread until they are written.
    ///
    /// - Throws: `StoreError`.
    static func write(_ bytes: [UInt8], to descriptor: Int32, path: String) throws {
        try bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno != EINTR {
                    throw StoreError(.unusable, "\(path): \(String(cString: strerror(errno)))")
                }
            }
        }
    }
}
