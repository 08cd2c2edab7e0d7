import CSQLiteShims
import Glibc
import TaskStore

extension StoreError {
    /// Makes the error of a system call that failed while a store was being opened.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - number: its `errno`.
    init(opening path: String, _ number: Int32 = errno) {
        self.init(beanrow_means_no_room(number) == 1 ? .full : .unusable, "\(path): \(systemErrorText(number))")
    }
}

/// Returns the error of the last failed system call, in words.
package func lastSystemError() -> String {
    systemErrorText(errno)
}

/// Returns the meaning of an `errno`, in words.
func systemErrorText(_ number: Int32) -> String {
    String(cString: strerror(number))
}
