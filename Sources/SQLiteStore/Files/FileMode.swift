import Glibc

/// Permissions of files that are made: the process's umask takes some away, which would keep the other users of a group out.
enum FileMode {
    /// Gives a file that is still empty its permissions; those of others' files stay as they are.
    static func set(of descriptor: Int32, _ mode: mode_t) {
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_size == 0, information.st_uid == geteuid(),
            information.st_mode & 0o777 != mode
        else { return }
        fchmod(descriptor, mode)
    }
}
