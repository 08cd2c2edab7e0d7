internal import Glibc

/// Returns the system's text for an error number, such as "permission denied".
func systemErrorText(_ number: CInt) -> String {
    guard let text = strerror(number) else { return "error \(number)" }
    return String(cString: text).lowercased()
}

/// A file descriptor that is closed when it is not used any more.
struct OwnedDescriptor: ~Copyable {
    /// The descriptor.
    let number: CInt

    init(_ number: CInt) {
        self.number = number
    }

    deinit { close(number) }

    /// Passes the descriptor on: it is not closed.
    consuming func release() -> CInt {
        let number = number
        discard self
        return number
    }
}
