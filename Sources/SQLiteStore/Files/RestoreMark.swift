import Glibc
package import TaskStore

/// The file `tasks.db-restoring`, which exists while a restore moves the files of a database.
///
/// A restore that is killed at this time may leave a database without its log. Managers refuse it until the restore is
/// repeated.
package struct RestoreMark {
    private let path: String
    private let directory: String

    /// Names the mark of a store.
    package init(_ files: StoreFiles) {
        path = files.database + "-restoring"
        directory = files.directory
    }

    /// Makes the mark, on the disk.
    ///
    /// - Throws: ``StoreError/Code/unusable``.
    package func set() throws(StoreError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw StoreError(opening: path) }
        close(descriptor)
        try syncDirectory(directory)
    }

    /// Removes the mark.
    ///
    /// - Throws: ``StoreError/Code/unusable``.
    package func clear() throws(StoreError) {
        guard unlink(path) == 0 else { throw StoreError(.unusable, "\(path): \(lastSystemError())") }
        try syncDirectory(directory)
    }

    /// Refuses the database if the mark exists.
    ///
    /// - Throws: ``StoreError/Code/unusable``.
    func check() throws(StoreError) {
        guard access(path, F_OK) == 0 else { return }
        throw StoreError(
            .unusable,
            "\(path): a restore was interrupted, and the files here may not belong together: run `beanrow restore` again"
        )
    }
}
