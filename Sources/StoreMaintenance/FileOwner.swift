internal import Glibc
internal import SQLiteStore
internal import TaskStore

/// Tells a user without access to a file whose file it is.
enum FileOwner {
    /// Returns whether this user may do with a file what its owner may: the owner and root.
    static func isOwn(_ path: String) -> Bool {
        var information = stat()
        return geteuid() == 0 || (stat(path, &information) == 0 && information.st_uid == geteuid())
    }

    /// Checks that this user may use a file.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - access: `R_OK` or `W_OK`.
    ///   - verb: what is to be done with it, for the message: `read it`.
    /// - Throws: `StoreError`
    static func check(_ path: String, _ access: Int32, _ verb: String) throws(StoreError) {
        guard Glibc.access(path, access) != 0 else { return }
        guard errno == EACCES else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        var information = stat()
        stat(path, &information)
        let mode = String(information.st_mode & 0o777, radix: 8)
        throw StoreError(
            .unusable,
            "\(path): you may not \(verb): it belongs to \(name(path)) and has the mode \(mode); \(advice(path))"
        )
    }

    /// Returns what a user without access can do.
    static func advice(_ path: String) -> String {
        let owner = name(path)
        return "try it as \(owner): sudo -u \(owner) beanrow …"
    }

    private static func name(_ path: String) -> String {
        var information = stat()
        guard stat(path, &information) == 0, let entry = getpwuid(information.st_uid) else { return "another user" }
        return String(cString: entry.pointee.pw_name)
    }
}
