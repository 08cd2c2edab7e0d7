import Foundation
import Glibc

/// A disk on which a sync can fail, with the kernel's page cache over it.
///
/// A library (Harness/preload/cache) is preloaded into every process that opens the database. What a failed sync
/// was to write is lost with the power, unless it is written and synced again.
final class LossyDisk: Sendable {
    /// How a sync fails.
    enum Failure: Int64 {
        /// Each descriptor that is open gets the error once, one that is opened later never.
        case writeBack = 1

        /// The caller alone gets the error.
        case flush
    }

    /// Whose sync fails.
    enum File: Int64 {
        case database = 1
        case log
    }

    /// How the call ends.
    enum Ending: Int64 {
        case returns
        case killed
    }

    private let control: String
    private let database: String

    /// Makes a disk that works so far.
    ///
    /// - Parameters:
    ///   - control: a path for the file that tells the processes what fails.
    ///   - database: the path of the database, without symbolic links.
    /// - Throws: when the file cannot be made.
    init(control: String, database: String) throws {
        self.control = control
        self.database = database
        guard FileManager.default.createFile(atPath: control, contents: Data(count: 4096)) else {
            throw HarnessError("cannot write \(control)")
        }
    }

    /// What a process needs in its environment to be on this disk.
    func environment() throws -> [String: String] {
        ["LD_PRELOAD": try Self.library.get(), "BEANROW_CACHE": control, "BEANROW_CACHE_DATABASE": database]
    }

    /// The next sync of this file fails, if there is anything for it to write.
    ///
    /// - Parameters:
    ///   - failure: how.
    ///   - file: which file's.
    ///   - process: only a sync by this process.
    ///   - ending: how the call ends.
    ///   - evicting: whether the cache shows at once what the disk holds.
    /// - Throws: when the order cannot be written.
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

    /// Has the cache show, from now on, what the disk holds of the pages that were dropped.
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

    /// Leaves of the database's files what the disk holds, and nothing beside them, as a power cut does.
    ///
    /// No process has them open.
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

    /// The library, built once for a run of the tests.
    private static let library = Result<String, any Error> { try Preload.build("cache") }
}
