internal import CPlatform
internal import Glibc
internal import SQLiteStore

/// Finds programs that keep the log from being emptied: they hold a read transaction for long.
///
/// SQLite's readers lock one of five bytes of the shared memory file (sqlite.org/walformat.html, "WAL Locks"). This
/// process has not opened the database with SQLite yet.
struct LogReaders {
    /// The first of the bytes, and their number.
    private static let firstByte: Int64 = 123
    private static let count: Int64 = 5

    /// How long a transaction may last without a finding.
    private static let patience: UInt32 = 1_000_000

    private let files: StoreFiles

    /// - Parameter files: the files of the store.
    init(_ files: StoreFiles) {
        self.files = files
    }

    /// Looks twice, one second apart, and reports the processes that were seen both times.
    ///
    /// A manager's own transactions last milliseconds. A manager under load may be seen both times; it is not reported.
    func examine() -> [Finding] {
        let first = holders()
        guard !first.isEmpty else { return [.ok("readers", "no program reads at this moment")] }
        usleep(Self.patience)
        let managers = Set(FileUsers.processes(of: files.lock))
        let both = first.intersection(holders()).subtracting(managers)
        guard !both.isEmpty else { return [.ok("readers", "no program reads for long")] }
        return both.sorted()
            .map { process in
                .warning(
                    "readers",
                    "the process \(process) (\(FileUsers.name(of: process))) reads since a second or longer, and the log grows",
                    "let it finish, or end it: kill \(process)"
                )
            }
    }

    private func holders() -> Set<Int32> {
        let descriptor = open(files.sharedMemory, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var found: Set<Int32> = []
        for byte in Self.firstByte..<Self.firstByte + Self.count {
            var process: Int32 = 0
            if beanrow_range_is_locked(descriptor, byte, 1, &process) == 1, process > 0 { found.insert(process) }
        }
        return found
    }
}
