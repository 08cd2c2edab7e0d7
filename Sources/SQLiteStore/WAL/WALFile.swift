import CSQLiteShims
import Glibc
import TaskStore

/// SQLite's write-ahead log as bytes (sqlite.org/fileformat2.html, section 4).
///
/// Finds out which frames are whole, and writes them again.
///
/// After a failed write-back the kernel marks its pages as clean, although only its memory has the new bytes, and a
/// sync does not write them. Writing the same bytes again makes the pages dirty, so that the next sync writes them. The
/// checksums tell whether the kernel still has the new bytes.
///
/// While frames are written again, no other process may write to the log or start it over. So the caller holds the
/// writer lock, and SQLite's write lock or its exclusive lock.
struct WALFile {
    /// The log's header.
    struct Header: Equatable {
        var pageSize: Int
        var salt: UInt32
        fileprivate var secondSalt: UInt32
        fileprivate var swaps: Bool
        fileprivate var sums: Sums
    }

    /// The two halves of a checksum.
    fileprivate struct Sums: Equatable {
        var first: UInt32
        var second: UInt32

        func adding(_ bytes: UnsafeRawBufferPointer, swaps: Bool) -> Sums {
            var sums = (first, second)
            withUnsafeMutablePointer(to: &sums) { pointer in
                pointer.withMemoryRebound(to: UInt32.self, capacity: 2) {
                    beanrow_log_checksum(bytes.baseAddress, bytes.count, swaps ? 1 : 0, $0)
                }
            }
            return Sums(first: sums.0, second: sums.1)
        }
    }

    /// The result of checking frames.
    struct Found: Equatable {
        /// Frames from the log's start up to the first one that is not whole.
        var whole: Int

        /// Frames up to the last whole one that ends a commit: the ones that SQLite's recovery finds.
        var committed: Int

        /// The length of the database after the last of these commits, in bytes; 0 if there is none.
        var databaseBytes: Int64 = 0
    }

    private let descriptor: Int32
    private let path: String

    /// Uses an open log.
    ///
    /// - Parameters:
    ///   - descriptor: open for reading and writing; the caller closes it.
    ///   - path: for messages.
    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    /// Reads the header.
    ///
    /// - Returns: nil if there is no whole header; the log has no frames then.
    /// - Throws: ``StoreError/Code/lost`` if the file cannot be read.
    func header() throws(StoreError) -> Header? {
        var bytes = [UInt8](repeating: 0, count: WALPosition.headerBytes)
        guard try read(into: &bytes, at: 0) == bytes.count else { return nil }
        return bytes.withUnsafeBytes { bytes in
            let magic = bytes.bigEndian(at: 0)
            let pageSize = Int(bytes.bigEndian(at: 8))
            guard magic & ~1 == 0x377f_0682, pageSize >= 512, pageSize <= 65536, pageSize & (pageSize - 1) == 0
            else { return nil }
            // The last bit means that the checksums' words are big-endian.
            let swaps = (magic & 1 == 1) == (UInt32(1).littleEndian == 1)
            let sums = Sums(first: 0, second: 0).adding(UnsafeRawBufferPointer(rebasing: bytes[..<24]), swaps: swaps)
            guard sums == Sums(first: bytes.bigEndian(at: 24), second: bytes.bigEndian(at: 28)) else { return nil }
            return Header(
                pageSize: pageSize,
                salt: bytes.bigEndian(at: 16),
                secondSalt: bytes.bigEndian(at: 20),
                swaps: swaps,
                sums: sums
            )
        }
    }

    /// Writes whole frames again, up to the first one that is not whole.
    ///
    /// - Parameters:
    ///   - header: from ``header()``; it is written again too.
    ///   - start: the first frame, from 0 on; the frames before it count as whole.
    ///   - limit: the largest number of frames.
    /// - Returns: what was found.
    /// - Throws: ``StoreError/Code/lost`` if a write fails.
    func writeAgain(_ header: Header, from start: Int = 0, limit: Int = .max) throws(StoreError) -> Found {
        if start == 0 { try copy(0..<WALPosition.headerBytes) }
        return try check(header, from: start, limit: limit, writesAgain: true)
    }

    /// Finds out which frames are whole.
    ///
    /// It writes nothing, so other programs may write at the same time.
    ///
    /// - Parameters:
    ///   - header: from ``header()``.
    ///   - start: the first frame, from 0 on; the frames before it count as whole.
    ///   - limit: the largest number of frames.
    /// - Returns: what was found.
    /// - Throws: ``StoreError/Code/lost`` if the file cannot be read.
    func check(_ header: Header, from start: Int = 0, limit: Int = .max) throws(StoreError) -> Found {
        try check(header, from: start, limit: limit, writesAgain: false)
    }

    private func check(
        _ header: Header,
        from start: Int,
        limit: Int,
        writesAgain: Bool
    ) throws(StoreError) -> Found {
        var found = Found(whole: start, committed: start)
        var sums = try start == 0 ? header.sums : storedSums(ofFrame: start - 1, header)
        let frameBytes = WALPosition.frameHeaderBytes + header.pageSize
        let most = max(1, Self.chunk / frameBytes)
        var chunk = [UInt8](repeating: 0, count: most * frameBytes)
        let (end, overflows) = start.addingReportingOverflow(limit)
        let last = overflows ? Int.max : end
        while found.whole < last {
            let offset = WALPosition.headerBytes + found.whole * frameBytes
            let count = min(try read(into: &chunk, at: offset) / frameBytes, last - found.whole)
            var whole = 0
            chunk.withUnsafeBytes { bytes in
                while whole < count {
                    let frame = UnsafeRawBufferPointer(rebasing: bytes[whole * frameBytes..<(whole + 1) * frameBytes])
                    guard let next = Self.check(frame, header, after: sums) else { break }
                    sums = next
                    whole += 1
                    let pages = frame.bigEndian(at: 4)
                    guard pages != 0 else { continue }
                    found.committed = found.whole + whole
                    found.databaseBytes = Int64(pages) * Int64(header.pageSize)
                }
            }
            if writesAgain { try write(chunk, count: whole * frameBytes, at: offset) }
            found.whole += whole
            guard whole == most else { break }
        }
        return found
    }

    /// Bytes per read and write.
    private static let chunk = 1 << 20

    /// Checks a frame.
    ///
    /// - Returns: the checksum up to its end; nil if the frame is not whole, or from an older log.
    private static func check(_ frame: UnsafeRawBufferPointer, _ header: Header, after sums: Sums) -> Sums? {
        guard frame.bigEndian(at: 0) != 0, frame.bigEndian(at: 8) == header.salt,
            frame.bigEndian(at: 12) == header.secondSalt
        else { return nil }
        let next = sums.adding(UnsafeRawBufferPointer(rebasing: frame[..<8]), swaps: header.swaps)
            .adding(UnsafeRawBufferPointer(rebasing: frame[WALPosition.frameHeaderBytes...]), swaps: header.swaps)
        return next == Sums(first: frame.bigEndian(at: 16), second: frame.bigEndian(at: 20)) ? next : nil
    }

    private func storedSums(ofFrame frame: Int, _ header: Header) throws(StoreError) -> Sums {
        var bytes = [UInt8](repeating: 0, count: WALPosition.frameHeaderBytes)
        _ = try read(
            into: &bytes,
            at: WALPosition.headerBytes + frame * (WALPosition.frameHeaderBytes + header.pageSize)
        )
        return bytes.withUnsafeBytes { Sums(first: $0.bigEndian(at: 16), second: $0.bigEndian(at: 20)) }
    }

    private func copy(_ range: Range<Int>) throws(StoreError) {
        var bytes = [UInt8](repeating: 0, count: range.count)
        let count = try read(into: &bytes, at: range.lowerBound)
        try write(bytes, count: count, at: range.lowerBound)
    }

    /// Reads up to the end of the file.
    private func read(into bytes: inout [UInt8], at offset: Int) throws(StoreError) -> Int {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                pread(descriptor, buffer.baseAddress.map { $0 + done }, buffer.count - done, off_t(offset + done))
            }
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw StoreError(.lost, "\(path): the log cannot be read: \(lastSystemError())")
            }
            done += count
        }
        return done
    }

    private func write(_ bytes: [UInt8], count: Int, at offset: Int) throws(StoreError) {
        var done = 0
        while done < count {
            let written = bytes.withUnsafeBytes { buffer in
                pwrite(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw StoreError(.lost, "\(path): writing the log again failed: \(lastSystemError())")
            }
            done += written
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Reads 32 bits, big-endian, as in all headers of the log.
    fileprivate func bigEndian(at offset: Int) -> UInt32 {
        UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}
