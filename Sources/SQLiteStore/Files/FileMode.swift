import Glibc

/// The permissions of new files.
///
/// The process's umask removes some, which would lock out the other users of a group.
enum FileMode {
    /// Sets the permissions of a file that is still empty.
    ///
    /// The permissions of other users' files stay as they are.
    static func set(of descriptor: Int32, _ mode: mode_t) {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_size == 0, information.st_uid == geteuid(),
            information.st_mode & 0o777 != mode
        else { return }
        fchmod(descriptor, mode)
    }
}
