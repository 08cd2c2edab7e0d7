import Foundation
import Glibc

/// A disk on which a sync can fail, with the kernel's page cache over it.
///
/// A library (Harness/preload/cache) is preloaded into every process that opens the database. Bytes that a
/// failed sync had to write are lost at a power cut, unless they are written and synced again.
final class LossyDisk: Sendable {
    /// The kind of a failure.
    enum Failure: Int64 {
        /// Each open descriptor gets the error once. Descriptors that are opened later never get it.
        case writeBack = 1

        /// Only the caller gets the error.
        case flush
    }

    /// The file whose sync fails.
    enum File: Int64 {
        case database = 1
        case log
    }

    /// The result of the call.
    enum Ending: Int64 {
        case returns
        case killed
    }

    private let control: String
    private let database: String

    /// Creates a disk that works.
    ///
    /// - Parameters:
    ///   - control: the path of the file that tells the processes which calls fail.
    ///   - database: the path of the database, without symbolic links.
    /// - Throws: an error if the file cannot be created.
    init(control: String, database: String) throws {
        self.control = control
        self.database = database
        guard FileManager.default.createFile(atPath: control, contents: Data(count: 4096)) else {
            throw HarnessError("cannot write \(control)")
        }
    }

    /// The environment of a process on this disk.
    func environment() throws -> [String: String] {
        ["LD_PRELOAD": try Self.library.get(), "BEANROW_CACHE": control, "BEANROW_CACHE_DATABASE": database]
    }

    /// Makes the next sync of a file fail, if it has anything to write.
    ///
    /// - Parameters:
    ///   - failure: how.
    ///   - file: which file's.
    ///   - process: only a sync by this process.
    ///   - ending: how the call ends.
    ///   - evicting: whether the cache shows at once what is on the disk.
    /// - Throws: an error if the control file cannot be written.
    func failSync(
        _ failure: Failure,
        of file: File,
        by process: pid_t,
        ending: Ending = .returns,
        evicting: Bool = false
    ) throws {
        let orders = [(1, file.rawValue), (3, Int64(process)), (4, ending.rawValue), (5, 100), (6, evicting ? 1 : 0)]
        for (word, value) in orders + [(8, 0), (0, failure.rawValue)] { try write(value, word: word) }
    }

    /// Makes the cache show what is on the disk for the dropped pages.
    func evict() throws {
        try write(1, word: 7)
    }

    /// Whether the sync has failed.
    func hasFailed() throws -> Bool {
        guard let file = FileHandle(forReadingAtPath: control) else { throw HarnessError("cannot read \(control)") }
        defer { try? file.close() }
        try file.seek(toOffset: 8 * 8)
        guard let bytes = try file.read(upToCount: 8), bytes.count == 8 else { throw HarnessError("no orders") }
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) } != 0
    }

    /// Reduces the database's files to what is on the disk, as a power cut does.
    ///
    /// No process may have them open.
    func cutPower() throws {
        let manager = FileManager.default
        let name = URL(fileURLWithPath: database)
        let folder = name.deletingLastPathComponent()
        for file in try manager.contentsOfDirectory(atPath: folder.path) {
            let suffix = file.dropFirst(name.lastPathComponent.count)
            guard file.hasPrefix(name.lastPathComponent), suffix.isEmpty || suffix.hasPrefix("-") else { continue }
            let path = folder.appendingPathComponent(file).path
            if suffix.isEmpty || suffix == "-wal" {
                var information = stat()
                guard stat(path, &information) == 0 else { throw HarnessError("cannot look at \(path)") }
                let disk = try Data(contentsOf: URL(fileURLWithPath: "\(control).\(information.st_ino)"))
                try manager.removeItem(atPath: path)
                try disk.write(to: URL(fileURLWithPath: path))
            } else {
                try manager.removeItem(atPath: path)
            }
        }
    }

    private func write(_ value: Int64, word: Int) throws {
        guard let file = FileHandle(forWritingAtPath: control) else { throw HarnessError("cannot write \(control)") }
        defer { try? file.close() }
        try file.seek(toOffset: UInt64(8 * word))
        try file.write(contentsOf: withUnsafeBytes(of: value) { Data($0) })
    }

    /// The library, which is built once per test run.
    private static let library = Result<String, any Error> { try Preload.build("cache") }
}
