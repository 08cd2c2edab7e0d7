import Glibc

/// Finds the processes that have a file open, for messages to a person.
package enum FileUsers {
    /// Returns the processes that have a file open, except this one.
    ///
    /// Only processes that this user may inspect are found.
    ///
    /// - Parameter path: the file, with symbolic links resolved.
    /// - Returns: a text such as "sqlite3 (pid 4711)"; "another program" if none can be seen.
    package static func describe(_ path: String) -> String {
        let found = processes(of: path)
        guard !found.isEmpty else { return "another program" }
        return found.map { "\(name(of: $0)) (pid \($0))" }.joined(separator: ", ")
    }

    /// Returns the processes that have a file open, except this one, as far as this user may inspect them.
    ///
    /// - Parameter path: the file, with symbolic links resolved.
    /// - Returns: their ids, in ascending order.
    package static func processes(of path: String) -> [Int32] {
        entries(of: "/proc").compactMap(Int32.init).filter { $0 != getpid() }.sorted()
            .filter { process in
                entries(of: "/proc/\(process)/fd").contains { target(of: "/proc/\(process)/fd/\($0)") == path }
            }
    }

    /// Returns the name of a process, without characters that a terminal would obey.
    package static func name(of process: Int32) -> String {
        let name = readSmallFile("/proc/\(process)/comm") ?? ""
        // A process chooses its own name: only text of it may reach a terminal.
        let text = name.unicodeScalars.filter { $0.value >= 32 && $0.value < 127 }.map(Character.init)
        return text.isEmpty ? "a program" : String(text)
    }

    private static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    private static func target(of link: String) -> String? {
        withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink(link, start.assumingMemoryBound(to: CChar.self), buffer.count)
            return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
        }
    }
}
