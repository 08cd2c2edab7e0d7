import Foundation
import Glibc

/// A disk that fails on demand: a library (Harness/preload/faults) that is preloaded into managers.
///
/// It can answer their calls on the database's files with errors.
final class FailingDisk: Sendable {
    /// Calls that can fail.
    struct Calls: OptionSet {
        let rawValue: Int64
        static let writes = Calls(rawValue: 1)
        static let syncs = Calls(rawValue: 2)
        static let reads = Calls(rawValue: 4)
        static let growth = Calls(rawValue: 8)

        /// Writes that make a file longer.
        static let extensions = Calls(rawValue: 16)
    }

    /// Files whose calls can fail.
    struct Files: OptionSet {
        let rawValue: Int64
        static let database = Files(rawValue: 1)
        static let log = Files(rawValue: 2)
        static let sharedMemory = Files(rawValue: 4)
    }

    private let control: String

    /// Creates a disk that works.
    ///
    /// - Parameter control: a path for the file that tells the managers what fails.
    /// - Throws: an error if the file cannot be created.
    init(control: String) throws {
        self.control = control
        guard FileManager.default.createFile(atPath: control, contents: Data(count: 32)) else {
            throw HarnessError("cannot write \(control)")
        }
    }

    /// The environment of a manager on this disk.
    func environment() throws -> [String: String] {
        ["LD_PRELOAD": try Self.library.get(), "BEANROW_FAULTS": control]
    }

    /// The environment of a manager that sees a file system of another kind.
    static func environment(fileSystem: Int) throws -> [String: String] {
        ["LD_PRELOAD": try library.get(), "BEANROW_FAULTS_FILE_SYSTEM": "\(fileSystem)"]
    }

    /// Makes these calls fail from now on.
    func fail(_ calls: Calls, of files: Files, with error: Int32) throws {
        try write(files.rawValue, at: 8)
        try write(Int64(error), at: 16)
        try write(calls.rawValue, at: 0)
    }

    /// Makes all calls work from now on.
    func heal() throws {
        try write(0, at: 0)
    }

    /// The number of calls that failed.
    func failures() throws -> Int64 {
        guard let file = FileHandle(forReadingAtPath: control) else { throw HarnessError("cannot read \(control)") }
        defer { try? file.close() }
        try file.seek(toOffset: 24)
        guard let bytes = try file.read(upToCount: 8), bytes.count == 8 else { throw HarnessError("no count") }
        return bytes.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) }
    }

    private func write(_ number: Int64, at offset: UInt64) throws {
        guard let file = FileHandle(forWritingAtPath: control) else { throw HarnessError("cannot write \(control)") }
        defer { try? file.close() }
        try file.seek(toOffset: offset)
        try file.write(contentsOf: withUnsafeBytes(of: number) { Data($0) })
    }

    /// The library, which is built once per test run.
    private static let library = Result<String, any Error> { try Preload.build("faults") }
}
