import Foundation
import Glibc
import SeededRandom
import Synchronization

/// A proxy between clients and a manager, which cuts each connection after some bytes: inside a command, inside an
/// answer, or between the two.
final class CuttingProxy: Sendable {
    /// The port on which it listens.
    let port: Int

    private struct State {
        var random: SeededGenerator
        var cuts = 0
        var isCutting = true
    }

    private let listener: Int32
    private let upstream: Int
    private let longest: Int
    private let state: Mutex<State>

    /// Starts a proxy.
    ///
    /// - Parameters:
    ///   - upstream: the manager's port.
    ///   - longest: the most bytes of a connection, in both directions together.
    ///   - seed: decides the random choices.
    /// - Throws: an error if it cannot listen.
    init(to upstream: Int, longest: Int, seed: UInt64) throws {
        self.upstream = upstream
        self.longest = longest
        state = Mutex(State(random: SeededGenerator(seed: seed)))
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var address = sockaddr_in(loopback: 0)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 128) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isListening else {
            let number = errno
            Glibc.close(descriptor)
            throw HarnessError("proxy: \(String(cString: strerror(number)))")
        }
        listener = descriptor
        port = Int(address.sin_port.bigEndian)
        Thread.detachNewThread { [self] in acceptAll() }
    }

    /// The address, for `--managers`.
    var address: String { "127.0.0.1:\(port)" }

    /// The number of connections that were cut so far.
    var cuts: Int { state.withLock { $0.cuts } }

    /// Stops cutting connections.
    func stopCutting() {
        state.withLock { $0.isCutting = false }
    }

    /// Stops accepting.
    ///
    /// Open connections continue until one of their ends closes them.
    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            if client < 0, errno == EINTR || errno == ECONNABORTED { continue }
            guard client >= 0 else { break }
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            Thread.detachNewThread { [self] in serve(client) }
        }
        Glibc.close(listener)
    }

    private func serve(_ client: Int32) {
        defer { Glibc.close(client) }
        let manager = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { Glibc.close(manager) }
        guard withLoopbackAddress(port: upstream, { connect(manager, $0, $1) }) == 0 else { return }
        var (left, resets) = state.withLock { state in
            // Each order of magnitude of bytes is equally likely.
            let bound = Int(pow(Double(longest), Double.random(in: 0.4...1, using: &state.random)))
            return (Int.random(in: 0...max(1, bound), using: &state.random), Bool.random(using: &state.random))
        }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            var polls = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: manager, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polls, 2, -1) > 0 || errno == EINTR else { return }
            for (from, to) in [(0, manager), (1, client)] where polls[from].revents != 0 {
                var count = recv(polls[from].fd, &buffer, buffer.count, 0)
                guard count > 0 else { return }
                let isCut = state.withLock { state in
                    guard state.isCutting, count >= left else { return false }
                    state.cuts += 1
                    return true
                }
                if isCut { count = left }
                left -= count
                guard send(buffer[..<count], to: to) else { return }
                if isCut {
                    if resets { for end in [client, manager] { Self.resetWhenClosed(end) } }
                    return
                }
            }
        }
    }

    private func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Resets a connection: bytes that are on their way are lost.
    private static func resetWhenClosed(_ descriptor: Int32) {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }
}
