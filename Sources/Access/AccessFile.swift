internal import Glibc

/// A tokens file.
public struct AccessFile: Sendable {
    /// The most bytes that a tokens file may have.
    public static let largest = 1 << 20

    /// The path.
    public let path: String

    /// Names a file; it is not opened yet.
    public init(path: String) {
        self.path = path
    }

    /// Reads the file, after it has checked that only its owner can have written it.
    ///
    /// All checks are of the file that was opened, so that it cannot be exchanged between a check and the read. The
    /// file must be a regular file of this process's user or of root, and no other user or group may write to it.
    ///
    /// It blocks the calling thread.
    ///
    /// - Returns: the list.
    /// - Throws: ``AccessError`` with the path.
    public func read() throws(AccessError) -> AccessList {
        let text = try readText()
        do {
            return try AccessList(text)
        } catch {
            throw AccessError(error.message, line: error.line, path: path)
        }
    }

    private func readText() throws(AccessError) -> [UInt8] {
        // Without O_NONBLOCK, opening a named pipe waits for its other end.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw systemError() }
        defer { close(descriptor) }
        try check(descriptor)
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw systemError() }
            guard count > 0 else { return text }
            text += chunk[..<count]
            guard text.count <= Self.largest else { throw error("it has more than \(Self.largest) bytes") }
        }
    }

    private func check(_ descriptor: Int32) throws(AccessError) {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw systemError() }
        guard information.st_mode & S_IFMT == S_IFREG else { throw error("it is not a regular file") }
        guard information.st_uid == geteuid() || information.st_uid == 0 else {
            throw error("it must be owned by the manager's user or by root, not by user \(information.st_uid)")
        }
        guard information.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw error("other users can write to it: chmod go-w")
        }
    }

    private func error(_ message: String) -> AccessError { AccessError(message, path: path) }

    private func systemError() -> AccessError { error(String(cString: strerror(errno))) }
}
