import CPlatform
import Glibc
import TaskStore

/// Finds other paths to a store's files.
///
/// Managers find each other, and SQLite finds its log, by the database's path. A manager that uses another path has
/// another log and other locks, so each would overwrite what the other one has acknowledged. Symbolic links are
/// resolved, and two paths to the directory do no harm. What remains is a second name of a file (link(2)) and a file
/// that is mounted by itself.
package enum OtherPaths {
    /// Returns the reason why another path to one of the files may exist; nil if none is found.
    ///
    /// A mount in another namespace is seen only there. The manager in that namespace is refused, since the file is a
    /// mount point there.
    ///
    /// - Parameters:
    ///   - files: the store's files, which need not exist.
    ///   - mounts: the text of /proc/self/mountinfo.
    /// - Returns: one line for a person.
    package static func reason(_ files: StoreFiles, mounts: String = FileSystemCheck.mountTable()) -> String? {
        let paths = [files.database, files.log, files.sharedMemory, files.lock]
        for path in paths where beanrow_link_count(path) > 1 {
            return """
                \(path): the file has \(beanrow_link_count(path)) names (hard links; a snapshot made with hard links does this \
                too), and a manager that used another name would not see this one: remove the other name, or put a copy in \
                the file's place while no manager runs
                """
        }
        let lines = mounts.split(separator: "\n").compactMap(Mount.init)
        for path in paths {
            guard let other = lines.first(where: { $0.shows(path) }) else { continue }
            return """
                \(path): the file is mounted by itself at \(other.point), and a manager that used its other path would not see \
                this one: mount the directory
                """
        }
        return nil
    }

    /// One line of /proc/self/mountinfo (proc(5)).
    private struct Mount {
        /// The mounted path within its file system.
        var root: String

        /// Where.
        var point: String

        init?(_ line: Substring) {
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 5 else { return nil }
            root = Self.unescape(fields[3])
            point = Self.unescape(fields[4])
        }

        /// Returns whether this mount is the file at a path, or shows it elsewhere.
        func shows(_ path: String) -> Bool {
            if point == path { return true }
            // Only mounts of files with the same name are checked, since each check may wait for another machine.
            guard let name = path.split(separator: "/").last, root.hasSuffix("/\(name)") else { return false }
            guard let identity = FileIdentity(path: path) else { return false }
            return FileIdentity(path: point) == identity
        }

        /// Resolves the escapes for space, tab, line end and backslash: three octal digits each.
        private static func unescape(_ text: Substring) -> String {
            var bytes: [UInt8] = []
            var rest = Substring(text).utf8
            while let byte = rest.popFirst() {
                let digits = rest.prefix(3)
                if byte == UInt8(ascii: "\\"), digits.count == 3, let code = UInt8(String(Substring(digits)), radix: 8)
                {
                    bytes.append(code)
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(byte)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
