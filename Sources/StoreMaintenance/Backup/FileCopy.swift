internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// Copies files.
enum FileCopy {
    /// Copies the bytes of a file to a descriptor.
    ///
    /// - Throws: `StoreError`
    static func copy(_ path: String, to target: Int32, named name: String) throws {
        let source = open(path, O_RDONLY | O_CLOEXEC)
        guard source >= 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        defer { close(source) }
        while true {
            var code: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: 1 << 20) { bytes, count in
                let got = read(source, bytes.baseAddress, 1 << 20)
                if got < 0 { code = errno }
                count = max(0, got)
            }
            if code == EINTR { continue }
            guard code == 0 else { throw StoreError(.unusable, "\(path): \(String(cString: strerror(code)))") }
            if chunk.isEmpty { return }
            try OutputBytes.write(chunk, to: target, path: name)
        }
    }
}
