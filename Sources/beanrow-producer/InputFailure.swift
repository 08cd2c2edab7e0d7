internal import Glibc

/// The reason that the input could not be read to its end.
struct InputFailure: Error, CustomStringConvertible {
    /// The error number of the system.
    var code: CInt

    /// The text of the system for this error.
    var description: String { "cannot read the input: " + String(cString: strerror(code)).lowercased() }
}
