import CPlatform
import Glibc
import TaskStore

/// Whether a place can hold a store.
enum FileSystemCheck {
    /// File systems on which other hosts may hold the same file, or that stand for such: SQLite's shared memory does not
    /// reach across hosts (sqlite.org/wal.html, "Disadvantages"). Numbers from statfs(2) and linux/magic.h.
    private static let refused: [Int64: String] = [
        0x6969: "NFS",
        0x517B: "SMB",
        0xFF53_4D42: "CIFS",
        0xFE53_4D42: "SMB2",
        0x0102_1997: "9P",
        0x00C3_6400: "Ceph",
        0x5346_414F: "AFS",
        0x6B41_4653: "AFS",
        0x7375_7245: "Coda",
        0x564C: "NCP",
        0x0BD0_0BD0: "Lustre",
        0x0116_1970: "GFS2",
        0x7461_636F: "OCFS2",
        0x6573_5546: "FUSE",
        0x1983_0326: "BeeGFS",
        0x4750_4653: "GPFS",
        0xAAD7_AAEA: "PanFS",
    ]

    /// The name of a file system type that is refused.
    ///
    /// - Parameter type: `f_type` of statfs(2).
    static func refusal(ofType type: Int64) -> String? {
        refused[type]
    }

    /// Checks the directory and, if it is there, the file.
    ///
    /// - Throws: ``StoreError/Code/unusable`` with one line that says what is wrong.
    static func check(_ files: StoreFiles) throws(StoreError) {
        let path = files.database
        var information = stat()
        let exists = stat(path, &information) == 0
        if exists {
            guard information.st_mode & S_IFMT != S_IFDIR else {
                throw StoreError(.unusable, "\(path): a directory, not a database file")
            }
            guard information.st_mode & S_IFMT == S_IFREG else {
                throw StoreError(.unusable, "\(path): not a regular file")
            }
            guard access(path, R_OK | W_OK) == 0 else {
                throw StoreError(.unusable, "\(path): \(lastSystemError()): a manager has to read and write it")
            }
        }
        if let name = refusal(ofType: beanrow_file_system_type(exists ? path : files.directory)) {
            throw StoreError(.unusable, "\(path): on a file system that SQLite cannot share safely (\(name))")
        }
        guard access(files.directory, W_OK | X_OK) == 0 else {
            throw StoreError(.unusable, "\(files.directory): \(lastSystemError()): a manager has to create files in it")
        }
    }
}
