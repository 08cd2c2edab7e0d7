internal import Dispatch
internal import Foundation

/// A file descriptor that is written to, such as standard output.
///
/// Writing may block for as long as the reader likes; it happens on a thread of its own and not on the concurrency
/// pool. Bytes come out in the order of the calls.
public final class OutputFile: Sendable {
    /// Why bytes could not be written.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// The system's error number.
        public var code: CInt

        /// Whether the reader has gone.
        public var isClosed: Bool { code == EPIPE }

        /// The system's words for it.
        public var description: String { String(cString: strerror(code)).lowercased() }
    }

    /// The process's standard output.
    public static let standardOutput = OutputFile(descriptor: STDOUT_FILENO, label: "standard output")

    /// The process's standard error.
    public static let standardError = OutputFile(descriptor: STDERR_FILENO, label: "standard error")

    private let descriptor: CInt
    private let queue: DispatchQueue

    /// Writes to a descriptor, which stays the caller's to close.
    ///
    /// - Parameters:
    ///   - descriptor: where to.
    ///   - label: the thread's name.
    public init(descriptor: CInt, label: String) {
        self.descriptor = descriptor
        self.queue = DispatchQueue(label: label)
        // A reader that goes away is an error to be handled, not the process's end.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Whether a person is looking.
    public var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Writes all bytes and returns when the system has them.
    ///
    /// - Parameter bytes: what to write.
    /// - Throws: ``Failure``; some of the bytes may have been written.
    public func write(_ bytes: [UInt8]) async throws(Failure) {
        let descriptor = descriptor
        let failure = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(returning: Self.writeAll(bytes, to: descriptor))
            }
        }
        if let failure { throw failure }
    }

    /// Writes a text; where that fails there is nobody to tell.
    ///
    /// - Parameter text: what to write, with its line end.
    public func write(_ text: String) async {
        try? await write(Array(text.utf8))
    }

    /// Writes all bytes, and blocks the thread until the system has them.
    ///
    /// - Returns: why that failed; nil if it did not.
    static func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Failure? {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
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
