internal import Glibc

/// A file that decides about access, such as a key or a list of certificates.
///
/// All checks are done on the open file, so the path may be exchanged at any moment: what was checked is what is read.
public enum TrustedFile {
    /// The users that may see the content.
    public enum Secrecy: Sendable {
        /// All users.
        case readableByAll

        /// The owner and, if the file allows it, its group.
        case secret
    }

    /// The most bytes of such a file.
    public static let longest = 1 << 20

    /// Reads a file.
    ///
    /// The file must be a regular file that is not empty and has at most ``longest`` bytes. Its owner must be root or
    /// the user of this process, and no other user may write to it. Symbolic links are followed. Blocks while the disk
    /// works.
    ///
    /// - Parameters:
    ///   - path: its path.
    ///   - what: its use, for messages, such as `the key`.
    ///   - secrecy: the users that may see the content.
    /// - Returns: its bytes.
    /// - Throws: ``TransportError`` if it cannot be read or must not be trusted.
    public static func read(_ path: String, as what: String, _ secrecy: Secrecy) throws(TransportError) -> [UInt8] {
        // Without O_NONBLOCK, opening a pipe would wait for a process that writes to it.
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard number >= 0 else { throw TransportError(what, path, "cannot be read: \(systemErrorText(errno))") }
        let file = OwnedDescriptor(number)
        var information = stat()
        guard fstat(file.number, &information) == 0 else {
            throw TransportError(what, path, "cannot be read: \(systemErrorText(errno))")
        }
        if let reason = reasonAgainst(information, secrecy) { throw TransportError(what, path, reason) }
        do throws(SystemError) {
            return try content(of: file)
        } catch {
            throw TransportError(what, path, "cannot be read: \(systemErrorText(error.number))")
        }
    }

    private static func reasonAgainst(_ file: stat, _ secrecy: Secrecy) -> String? {
        guard file.st_mode & S_IFMT == S_IFREG else { return "is not a regular file" }
        guard file.st_uid == 0 || file.st_uid == geteuid() else {
            return "belongs to user \(file.st_uid), not to root or to user \(geteuid())"
        }
        guard file.st_mode & 0o022 == 0 else { return "may be written by other users than its owner (chmod go-w)" }
        if secrecy == .secret, file.st_mode & 0o007 != 0 { return "may be read by all users (chmod o=)" }
        guard file.st_size > 0 else { return "is empty" }
        guard file.st_size <= longest else { return "is larger than \(longest) bytes" }
        return nil
    }

    private static func content(of file: borrowing OwnedDescriptor) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        // The file may grow while it is read.
        while bytes.count <= longest {
            let count = chunk.withUnsafeMutableBytes { Self.readOnce(file.number, $0) }
            if count < 0 { throw SystemError(number: errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
        throw SystemError(number: EFBIG)
    }

    private static func readOnce(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private struct SystemError: Error {
        var number: CInt
    }
}
