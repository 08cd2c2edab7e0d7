internal import Dispatch
internal import Glibc

/// Writes to a file descriptor, such as standard output.
///
/// A write may block until the reader reads. So it runs on a dispatch queue and not on the concurrency pool. The bytes
/// are written in the order of the calls.
public final class OutputFile: Sendable {
    /// The reason that bytes could not be written.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// The system's error number.
        public var code: CInt

        /// Whether the reader has closed the pipe.
        public var isClosed: Bool { code == EPIPE }

        /// The text of the system for this error.
        public var description: String { String(cString: strerror(code)).lowercased() }
    }

    /// The process's standard output.
    public static let standardOutput = OutputFile(descriptor: STDOUT_FILENO, label: "standard output")

    /// The process's standard error.
    public static let standardError = OutputFile(descriptor: STDERR_FILENO, label: "standard error")

    private let descriptor: CInt
    private let queue: DispatchQueue

    /// Creates a writer for a descriptor.
    ///
    /// The caller closes the descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: the descriptor to write to.
    ///   - label: the name of the dispatch queue.
    public init(descriptor: CInt, label: String) {
        self.descriptor = descriptor
        self.queue = DispatchQueue(label: label)
        // A closed pipe is an error of the write, and must not end the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Whether the descriptor is a terminal.
    public var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Writes all bytes.
    ///
    /// - Parameter bytes: the bytes to write.
    /// - Throws: ``Failure``. Some of the bytes may have been written.
    public func write(_ bytes: [UInt8]) async throws(Failure) {
        let descriptor = descriptor
        let failure = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(returning: Self.writeAll(bytes, to: descriptor))
            }
        }
        if let failure { throw failure }
    }

    /// Writes a text, and ignores errors.
    ///
    /// - Parameter text: the text, with its line end.
    public func write(_ text: String) async {
        try? await write(Array(text.utf8))
    }

    /// Writes all bytes, and blocks the calling thread until they are written.
    ///
    /// - Returns: the error, or `nil` if all bytes were written.
    static func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Failure? {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count >= 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&ready, 1, -1)
                } else if errno != EINTR {
                    return Failure(code: errno)
                }
            }
            return nil
        }
    }
}
