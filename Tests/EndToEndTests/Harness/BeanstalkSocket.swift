import Glibc
import Testing

/// A connection to a manager, byte by byte as with `telnet`, for tests of the protocol.
///
/// Every call blocks. A reply that does not arrive within ``TestSettings/patience`` is an error.
final class BeanstalkSocket: @unchecked Sendable {
    // Unchecked: one thread at a time uses each socket, except for `abort()`, which only uses the descriptor.
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var start = 0
    private var isOpen = true

    /// Connects to a port of this machine.
    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError("socket") }
        guard withLoopbackAddress(port: port, { connect(descriptor, $0, $1) }) == 0 else {
            let error = SocketError("connect to port \(port)")
            Glibc.close(descriptor)
            isOpen = false
            throw error
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Connects to a unix socket.
    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError("socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let error = SocketError("connect to \(path)")
            Glibc.close(descriptor)
            isOpen = false
            throw error
        }
    }

    deinit {
        close()
    }

    // MARK: Bytes

    /// Sends bytes as they are.
    func send(_ bytes: some Collection<UInt8>) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw SocketError("send")
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Sends text as it is.
    ///
    /// Lines must have their `\r\n`.
    func send(_ text: String) throws {
        try send(text.utf8)
    }

    /// Receives a number of bytes.
    func receive(_ count: Int) throws -> [UInt8] {
        while buffer.count - start < count {
            guard try receiveMore() else { throw SocketError.closed }
        }
        defer { start += count }
        return Array(buffer[start..<(start + count)])
    }

    /// Receives a line, and returns it without its `\r\n`.
    func line() throws -> String {
        var searched = 0
        while true {
            if let end = buffer[(start + searched)...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffer[start..<end], as: UTF8.self)
                start = end + 1
                guard line.unicodeScalars.last == "\r" else {
                    throw SocketError(message: "no carriage return: \(line)")
                }
                return String(line.unicodeScalars.dropLast())
            }
            searched = buffer.count - start
            guard try receiveMore() else { throw SocketError.closed }
        }
    }

    /// Waits until the other side closes, and fails if it sends bytes before.
    func expectClosed(sourceLocation: SourceLocation = #_sourceLocation) {
        do {
            while try receiveMore() {}
        } catch {
            guard error.number == ECONNRESET else {
                Issue.record(error, sourceLocation: sourceLocation)
                return
            }
        }
        #expect(String(decoding: buffer[start...], as: UTF8.self) == "", sourceLocation: sourceLocation)
    }

    /// Waits until the other side closes, and discards what it sends before.
    func expectEnd() throws {
        do {
            while try receiveMore() {}
        } catch {
            guard error.number == ECONNRESET else { throw error }
        }
    }

    /// Closes the sending half of the connection.
    func closeSending() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the connection.
    func close() {
        if isOpen {
            isOpen = false
            Glibc.close(descriptor)
        }
    }

    /// Ends the connection while another thread uses it, whose calls fail then.
    func abort() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    // MARK: Without waiting

    /// Sends as much as the system accepts at once.
    ///
    /// Returns `nil` if the connection is closed.
    func trySend(_ bytes: ArraySlice<UInt8>) -> Int? {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
        if count >= 0 { return count }
        return errno == EAGAIN || errno == EINTR ? 0 : nil
    }

    /// Receives and discards bytes that have arrived.
    ///
    /// - Returns: the number of line ends in them.
    func receiveLines() throws -> Int {
        try withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { piece in
            let count = recv(descriptor, piece.baseAddress, piece.count, Int32(MSG_DONTWAIT))
            if count > 0 { return piece.prefix(count).count { $0 == UInt8(ascii: "\n") } }
            guard count < 0, errno == EAGAIN || errno == EINTR else { throw SocketError("recv") }
            return 0
        }
    }

    /// Waits until the system accepts more bytes.
    ///
    /// Returns `false` if it does not in time.
    func waitUntilWritable(milliseconds: Int32) -> Bool { wait(for: POLLOUT, milliseconds) }

    /// Waits until bytes have arrived.
    ///
    /// Returns `false` if none arrive in time.
    func waitUntilReadable(milliseconds: Int32) -> Bool { wait(for: POLLIN, milliseconds) }

    private func wait(for event: Int32, _ milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        return Glibc.poll(&poll, 1, milliseconds) > 0
    }

    /// Waits for bytes and receives them.
    ///
    /// Returns `false` if the other side has closed.
    private func receiveMore() throws(SocketError) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while true {
            let ready = Glibc.poll(&poll, 1, Int32(TestSettings.patience.inSeconds * 1000))
            if ready > 0 { break }
            if ready == 0 { throw SocketError(message: "no answer within \(TestSettings.patience)") }
            if errno != EINTR { throw SocketError("poll") }
        }
        buffer.removeFirst(start)
        start = 0
        let count = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { piece in
            let count = recv(descriptor, piece.baseAddress, piece.count, 0)
            buffer.append(contentsOf: piece.prefix(max(count, 0)))
            return count
        }
        guard count >= 0 else { throw SocketError("recv") }
        return count > 0
    }
}

/// A connection that failed.
struct SocketError: Error, CustomStringConvertible {
    /// The error number, if a system call failed.
    var number: Int32?

    /// What failed.
    var description: String

    /// Whether the other side has closed the connection.
    var isBreak: Bool {
        self.description == SocketError.closed.description || number == ECONNRESET || number == EPIPE
    }

    /// The error if the other side has closed the connection instead of answering.
    static let closed = SocketError(message: "the connection was closed")

    /// The error in words.
    init(message: String) {
        description = message
    }

    /// Creates an error for the system call that has just failed.
    init(_ call: String) {
        number = errno
        description = "\(call): \(String(cString: strerror(errno)))"
    }
}
