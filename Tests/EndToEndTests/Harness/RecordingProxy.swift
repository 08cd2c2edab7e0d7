import Foundation
import Glibc
import Synchronization

/// A proxy between clients and a manager that records all bytes of both directions.
final class RecordingProxy: Sendable {
    /// The port on which it listens.
    let port: Int

    private let listener: Int32
    private let upstream: Int
    private let bytes = Mutex<[UInt8]>([])

    /// Starts a proxy.
    ///
    /// - Parameter upstream: the manager's port.
    /// - Throws: an error if it cannot listen.
    init(to upstream: Int) throws {
        self.upstream = upstream
        (listener, port) = try Self.listen()
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// All bytes so far.
    var recorded: [UInt8] { bytes.withLock { $0 } }

    /// Stops accepting.
    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private static func listen() throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var address = sockaddr_in(loopback: 0)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && Glibc.listen(descriptor, 128) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isListening else { throw SocketError("proxy") }
        return (descriptor, Int(address.sin_port.bigEndian))
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            let manager = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard withLoopbackAddress(port: upstream, { connect(manager, $0, $1) }) == 0 else { continue }
            Thread.detachNewThread { [self] in copy(from: client, to: manager) }
            Thread.detachNewThread { [self] in copy(from: manager, to: client) }
        }
        Glibc.close(listener)
    }

    /// Copies one direction until it ends.
    ///
    /// The descriptors stay open until the test process ends.
    private func copy(from source: Int32, to target: Int32) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes.withLock { $0 += buffer[..<count] }
            var rest = buffer[..<count]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes { Glibc.send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard sent > 0 else { return }
                rest = rest.dropFirst(sent)
            }
        }
        shutdown(target, Int32(SHUT_WR))
    }
}
