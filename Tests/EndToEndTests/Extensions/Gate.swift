import Foundation
import Glibc

/// Holds shell commands up until it is opened: `read x < PATH` returns then, and not before.
final class Gate: Sendable {
    /// Where it is, for the command.
    let path: String

    private let descriptor: Int32

    /// Makes a closed gate.
    init(path: String) throws {
        self.path = path
        guard mkfifo(path, 0o600) == 0 else { throw HarnessError("mkfifo: \(String(cString: strerror(errno)))") }
        // Whoever opens it for reading finds a writer, and reads nothing as long as there is one.
        descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    }

    /// Lets everybody through who waits or will come.
    func open() throws {
        let empty = path + "-open"
        try "".write(toFile: empty, atomically: false, encoding: .utf8)
        rename(empty, path)
        close(descriptor)
    }
}
