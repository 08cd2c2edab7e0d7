import Glibc
import TaskStore

/// Checks whether the kernel still has the frames that are in the log's index in shared memory, before they are read.
///
/// SQLite checks the checksums of frames only when it makes the index. Other processes have the file open and keep the
/// index alive. So if frames are lost, the index is made unusable before any process reads through it. SQLite then
/// makes it again, with a check of the checksums, and no process copies what was never written.
///
/// It writes nothing to the log, so other programs may write at the same time. The writer lock is held.
struct LogCheck {
    let files: StoreFiles

    /// Checks the whole log, while another program, but no manager, has the file open.
    ///
    /// - Parameter judge: receives the log's first salt and the number of frames that SQLite would find.
    /// - Throws: what `judge` throws; ``StoreError/Code/inUse`` if the index cannot be made unusable now.
    func check(_ judge: (_ salt: UInt32, _ committed: Int) throws(StoreError) -> Void) throws(StoreError) {
        try withLog { log, header, end throws(StoreError) in
            var whole = 0
            if let header {
                let found = try log.check(header)
                try judge(header.salt, found.committed)
                whole = found.whole
            }
            guard whole < end.frames, try !forgetIndex() else { return }
            throw StoreError(
                .inUse,
                """
                \(files.log): frames of the log are not what was written, and another program writes: \
                \(FileUsers.describe(files.database))
                """
            )
        }
    }

    /// Checks the end of the log, while other managers live.
    ///
    /// - Parameters:
    ///   - points: the places up to which the log was known to be on the disk when managers died inside their syncs.
    ///   - sharedPage: the shared page.
    /// - Throws: ``StoreError/Code/lost`` if frames are lost; ``SharedPage/hasIOFailed`` is set then.
    func checkFrames(from points: [WALPoint], _ sharedPage: SharedPage) throws(StoreError) {
        try withLog { log, header, end throws(StoreError) in
            let start = end.firstUnknownFrame(points)
            guard start < end.frames else { return }
            var whole = 0
            if let header, header.salt == end.salt {
                whole = try log.check(header, from: start, limit: end.frames - start).whole
            }
            guard whole < end.frames else { return }
            // Another program may have written between the two reads.
            guard try withoutReading({ $0.endOfIndex }) == end else { return try checkFrames(from: points, sharedPage) }
            sharedPage.hasIOFailed = true
            _ = try forgetIndex()
            throw StoreError(
                .lost,
                """
                \(files.log): a manager was killed inside a sync, and the kernel has lost \(end.frames - whole) frames; \
                all managers end, and the next one to start writes everything again
                """
            )
        }
    }

    /// Calls a function with the log, its header if there is one, and the end of its index.
    private func withLog(
        _ body: (WALFile, WALFile.Header?, WALPoint) throws(StoreError) -> Void
    ) throws(StoreError) {
        let end = try withoutReading { $0.endOfIndex } ?? WALPoint(salt: 0, frames: 0)
        let descriptor = open(files.log, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let log = WALFile(descriptor: descriptor, path: files.log)
        try body(log, log.header(), end)
    }

    private func forgetIndex() throws(StoreError) -> Bool {
        try withoutReading { $0.forgetLogIndex() }
    }

    private func withoutReading<Value>(_ body: (Database) -> Value) throws(StoreError) -> Value {
        do {
            return try Database.withoutReading(files.database, body)
        } catch {
            throw error.whileOpening(files.database)
        }
    }
}
