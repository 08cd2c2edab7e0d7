import CPlatform
import Glibc
import TaskStore

/// Makes commits durable: syncs SQLite's write-ahead log.
///
/// Done by the manager itself, after it let the next writer in, and not by SQLite under the lock: one process writes
/// while another syncs. A sync covers every earlier commit in the log, whoever made it.
///
/// The descriptor is opened once and kept. SQLite puts no locks on the log, so this cannot drop any; the database and the
/// `-shm` file must never be opened like this (sqlite.org/howtocorrupt.html, section 2.2).
final class WALSync: Sendable {
    private let path: String
    let descriptor: Int32
    private let identity: FileIdentity

    private let frameBytes: Int

    /// Opens the log, which SQLite has made.
    ///
    /// - Parameters:
    ///   - path: the log.
    ///   - pageSize: bytes a page.
    /// - Throws: ``StoreError/Code/unusable``.
    init(path: String, pageSize: Int) throws(StoreError) {
        self.path = path
        self.frameBytes = WALPosition.frameHeaderBytes + pageSize
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        guard let identity = FileIdentity(descriptor: descriptor) else {
            close(descriptor)
            throw StoreError(.unusable, "\(path): \(lastSystemError())")
        }
        self.descriptor = descriptor
        self.identity = identity
    }

    deinit {
        close(descriptor)
    }

    /// Returns once the log is on the disk.
    ///
    /// - Throws: ``StoreError/Code/lost``: the disk does not hold the log, whatever a second sync would say.
    func sync() throws(StoreError) {
        while fdatasync(descriptor) == -1 {
            guard errno == EINTR else {
                throw StoreError(.lost, "\(path): syncing failed, what is on the disk is unknown: \(lastSystemError())")
            }
        }
    }

    /// The first salt in the log's header; nil if there is no header yet.
    var salt: UInt32? {
        var salt: UInt32 = 0
        let count = withUnsafeMutableBytes(of: &salt) { pread(descriptor, $0.baseAddress, $0.count, 16) }
        return count == MemoryLayout.size(ofValue: salt) ? UInt32(bigEndian: salt) : nil
    }

    /// The log as bytes, through this descriptor.
    var file: WALFile { WALFile(descriptor: descriptor, path: path) }

    /// Checks that the log was not removed or replaced; takes less than ``check()``.
    ///
    /// - Throws: ``StoreError/Code/lost``.
    func checkItHasName() throws(StoreError) {
        // Not a look at the path, which takes longer: a log that was removed or replaced has lost its name. And not fstat(2),
        // after which the next sync takes a quarter longer; see beanrow_has_name.
        guard beanrow_has_name(descriptor) == 1 else { throw removed() }
    }

    /// Checks that the path still leads to the log that is being synced.
    ///
    /// - Throws: ``StoreError/Code/lost``.
    func check() throws(StoreError) {
        guard FileIdentity(path: path) == identity else { throw removed() }
    }

    /// Checks that no part of the log was cut out: before it is copied into the database, since SQLite copies what it reads.
    ///
    /// A log that was cut short goes on where it was, and what was cut off reads as zeros; no frame begins with zeros
    /// (sqlite.org/fileformat2.html, section 4.1). Takes some 0.3 µs a frame.
    ///
    /// - Parameter frames: which of the log's frames, from 0 on.
    /// - Throws: ``StoreError/Code/lost``.
    func checkFrames(_ frames: Range<Int>) throws(StoreError) {
        for frame in frames {
            var start: (UInt64, UInt64, UInt64) = (0, 0, 0)
            let offset = WALPosition.headerBytes + frame * frameBytes
            let count = withUnsafeMutableBytes(of: &start) {
                pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
            }
            // The end: some other program has emptied the log, or SQLite is going to complain.
            guard count == MemoryLayout.size(ofValue: start) else { return }
            guard start != (0, 0, 0) else { throw StoreError(.lost, "\(path): the log was cut short") }
        }
    }

    /// How long the log is, in bytes.
    var size: Int {
        var information = stat()
        return fstat(descriptor, &information) == 0 ? Int(information.st_size) : 0
    }

    private func removed() -> StoreError {
        StoreError(.lost, "\(path): the database was removed or replaced")
    }
}
