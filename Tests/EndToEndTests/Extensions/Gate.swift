import Foundation
import Glibc

/// Blocks shell commands until it is opened: `read x < PATH` returns then.
final class Gate: Sendable {
    /// The path, for the command.
    let path: String

    private let descriptor: Int32

    /// Creates a closed gate.
    init(path: String) throws {
        self.path = path
        guard mkfifo(path, 0o600) == 0 else { throw HarnessError("mkfifo: \(String(cString: strerror(errno)))") }
        // A process that opens it for reading finds a writer, and its read blocks while there is one.
        descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    }

    /// Lets all commands continue that wait now or come later.
    func open() throws {
        let empty = path + "-open"
        try "".write(toFile: empty, atomically: false, encoding: .utf8)
        rename(empty, path)
        close(descriptor)
    }
}
