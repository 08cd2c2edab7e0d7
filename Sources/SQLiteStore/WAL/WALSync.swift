import CPlatform
import Glibc
import TaskStore

/// Makes commits durable: syncs SQLite's write-ahead log.
///
/// The manager itself syncs, after it has released the writer lock, and not SQLite under the lock. So one process
/// writes while another syncs. A sync covers every earlier commit in the log, of any process.
///
/// The descriptor is opened once and kept. SQLite has no locks on the log, so closing the descriptor releases none. The
/// database and the `-shm` file must never be opened like this (sqlite.org/howtocorrupt.html, section 2.2).
final class WALSync: Sendable {
    private let path: String
    let descriptor: Int32
    private let identity: FileIdentity

    private let frameBytes: Int

    /// Opens the log, which SQLite has made.
    ///
    /// - Parameters:
    ///   - path: the log.
    ///   - pageSize: bytes per page.
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

    /// Returns when the log is on the disk.
    ///
    /// - Throws: ``StoreError/Code/lost``: the disk does not hold the log, even if a second sync succeeded.
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

    /// Checks that the log was not removed or replaced; faster than ``check()``.
    ///
    /// - Throws: ``StoreError/Code/lost``.
    func checkHasName() throws(StoreError) {
        // Not by looking the path up, which takes longer: a log that was removed or replaced has lost its name. And not
        // with fstat(2), after which the next sync takes a quarter longer; see beanrow_has_name.
        guard beanrow_has_name(descriptor) == 1 else { throw removed() }
    }

    /// Checks that the path still leads to the log that is being synced.
    ///
    /// - Throws: ``StoreError/Code/lost``.
    func check() throws(StoreError) {
        guard FileIdentity(path: path) == identity else { throw removed() }
    }

    /// Checks that no part of the log is missing, before it is copied into the database: SQLite copies what it reads.
    ///
    /// If a log was cut short, the next write goes to the old position, and the bytes before it read as zeros. No frame
    /// begins with zeros (sqlite.org/fileformat2.html, section 4.1). Takes about 0.3 µs per frame.
    ///
    /// - Parameter frames: the frames to check, from 0 on.
    /// - Throws: ``StoreError/Code/lost``.
    func checkFrames(_ frames: Range<Int>) throws(StoreError) {
        for frame in frames {
            var start: (UInt64, UInt64, UInt64) = (0, 0, 0)
            let offset = WALPosition.headerBytes + frame * frameBytes
            let count = withUnsafeMutableBytes(of: &start) {
                pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
            }
            // The end: another program has emptied the log, or SQLite is going to report an error.
            guard count == MemoryLayout.size(ofValue: start) else { return }
            guard start != (0, 0, 0) else { throw StoreError(.lost, "\(path): the log was cut short") }
        }
    }

    /// The length of the log in bytes.
    var size: Int {
        var information = stat()
        return fstat(descriptor, &information) == 0 ? Int(information.st_size) : 0
    }

    private func removed() -> StoreError {
        StoreError(.lost, "\(path): the database was removed or replaced")
    }
}
