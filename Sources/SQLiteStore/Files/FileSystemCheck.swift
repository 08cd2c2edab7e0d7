import CPlatform
import Glibc
package import TaskStore

/// Checks whether a directory can hold a store.
package enum FileSystemCheck {
    /// File systems on which other hosts may use the same file: SQLite's shared memory does not reach other hosts
    /// (sqlite.org/wal.html, "Disadvantages").
    ///
    /// Numbers from statfs(2) and linux/magic.h.
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
        fuse: "FUSE",
        0x1983_0326: "BeeGFS",
        0x4750_4653: "GPFS",
        0xAAD7_AAEA: "PanFS",
    ]

    /// The number of all file systems in user space.
    private static let fuse: Int64 = 0x6573_5546

    /// Those of them that are local.
    ///
    /// Most others are remote: sshfs, s3fs, glusterfs, rclone.
    private static let localFUSE: Set<String> = ["fuseblk", "fuse.fuse-overlayfs", "fuse.ntfs-3g", "fuse.bindfs"]

    /// Returns the name of a file system that is refused.
    ///
    /// - Parameters:
    ///   - type: `f_type` of statfs(2).
    ///   - name: returns the name in /proc/self/mountinfo; called only if the number is not enough.
    /// - Returns: nil if the file system is accepted.
    static func refusal(ofType type: Int64, named name: () -> String?) -> String? {
        guard type == fuse else { return refused[type] }
        guard let name = name() else { return nil }
        return localFUSE.contains(name) ? nil : name
    }

    /// Returns the name of the file system of a device.
    ///
    /// - Parameters:
    ///   - device: `st_dev` of stat(2).
    ///   - table: the text of /proc/self/mountinfo (proc(5)).
    /// - Returns: nil if the device is not in the table.
    static func name(ofDevice device: UInt64, in table: String) -> String? {
        // As makedev(3) composes it.
        let major = device >> 32 & 0xFFFF_F000 | device >> 8 & 0xFFF
        let minor = device >> 12 & 0xFFFF_FF00 | device & 0xFF
        let number = "\(major):\(minor)"
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, fields[2] == number, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count
            else { continue }
            return String(fields[dash + 1])
        }
        return nil
    }

    /// Returns the text of /proc/self/mountinfo; empty if it cannot be read.
    package static func mountTable() -> String {
        guard let file = fopen("/proc/self/mountinfo", "re") else { return "" }
        defer { fclose(file) }
        var text: [UInt8] = []
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while case let count = fread(buffer.baseAddress, 1, buffer.count, file), count > 0 {
                text.append(contentsOf: buffer[..<count])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Checks the directory and, if it exists, the file.
    ///
    /// - Throws: ``StoreError/Code/unusable`` with one line that says what is wrong.
    package static func check(_ files: StoreFiles) throws(StoreError) {
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
        let place = exists ? path : files.directory
        let refusal = refusal(ofType: beanrow_file_system_type(place)) {
            var information = stat()
            guard stat(place, &information) == 0 else { return nil }
            return name(ofDevice: UInt64(information.st_dev), in: mountTable())
        }
        if let refusal {
            throw StoreError(.unusable, "\(path): on a file system that SQLite cannot share safely (\(refusal))")
        }
        guard access(files.directory, W_OK | X_OK) == 0 else {
            throw StoreError(.unusable, "\(files.directory): \(lastSystemError()): a manager has to create files in it")
        }
    }
}
