import Foundation
import Glibc
import Synchronization

/// A connection to the server that can be cut.
final class Proxy: Sendable {
    private struct State {
        var isCut = false
        var dropsAnswerToCommit = false
        var isCutWithAnswer = false
        var dropped = 0
        var holdsCommit = false
        var isCutWithCommit = false
        var held: (server: Int32, bytes: [UInt8])?
        var sockets: Set<Int32> = []

        /// How many more answers are forwarded; nil for any number.
        var answersLeft: Int?
    }

    /// The port on which it listens.
    let port: UInt16

    private let listener: Int32
    private let serverPort: UInt16
    private let state = Mutex(State())

    /// Listens on a free port.
    ///
    /// - Parameter serverPort: the port of the server on this machine.
    /// - Throws: ``Contradiction`` if no port is free.
    init(to serverPort: UInt16) throws {
        self.serverPort = serverPort
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(0)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && getsockname(listener, $0, &size) == 0
            }
        }
        guard isBound, listen(listener, 64) == 0 else { throw Contradiction(description: "no port for the proxy") }
        self.listener = listener
        port = UInt16(bigEndian: address.sin_port)
        let (proxy, descriptor) = (Unmanaged.passUnretained(self), listener)
        Thread.detachNewThread {
            while true {
                let client = accept(descriptor, nil, nil)
                // The listener is closed before the proxy is freed.
                guard client >= 0 else { return }
                proxy.takeUnretainedValue().serve(client)
            }
        }
    }

    /// Stops listening and breaks all connections.
    func close() {
        cut()
        shutdown(listener, Int32(SHUT_RDWR))
    }

    /// Breaks all connections and refuses new ones.
    func cut() {
        state.withLock { state in
            state.isCut = true
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
    }

    /// Lets connections through again.
    func restore() {
        state.withLock { $0.isCut = false }
    }

    /// Forwards a number of further answers, of all connections together, and then none.
    ///
    /// The connections stay open.
    func fallSilent(after answers: Int) {
        state.withLock { $0.answersLeft = answers }
    }

    /// Lets the next commit through and breaks the connection before its answer.
    ///
    /// - Parameter cuts: whether all connections are cut from then on.
    func dropAnswerToNextCommit(cuts: Bool = false) {
        state.withLock { state in
            state.dropsAnswerToCommit = true
            state.isCutWithAnswer = cuts
        }
    }

    /// Breaks the next connection that commits, and holds back what it has sent.
    ///
    /// The server's session stays, as if the link to it had been cut.
    ///
    /// - Parameter cuts: whether all connections are cut from then on.
    func holdNextCommit(cuts: Bool = false) {
        state.withLock { state in
            state.holdsCommit = true
            state.isCutWithCommit = cuts
        }
    }

    /// Forwards what was held back, and waits until the server has done it.
    ///
    /// - Returns: whether something was held back.
    func letHeldCommitArrive() -> Bool {
        guard let held = state.withLock({ $0.held }) else { return false }
        var (bytes, answer) = (held.bytes, [UInt8](repeating: 0, count: 65_536))
        bytes += Self.terminate
        guard send(held.server, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return false }
        while read(held.server, &answer, answer.count) > 0 {}
        Glibc.close(held.server)
        return true
    }

    /// The message that ends a connection, after which the server closes it.
    private static let terminate: [UInt8] = [UInt8(ascii: "X"), 0, 0, 0, 4]

    /// How many answers were dropped.
    var dropped: Int { state.withLock { $0.dropped } }

    private func serve(_ client: Int32) {
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Self.address(serverPort)
        let isConnected = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(server, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let mayGoOn = state.withLock { state in
            guard isConnected, !state.isCut else { return false }
            state.sockets.formUnion([client, server])
            return true
        }
        guard mayGoOn else {
            Glibc.close(client)
            Glibc.close(server)
            return
        }
        Thread.detachNewThread { self.pump(client, server) }
    }

    /// Forwards bytes in both directions until one side ends.
    private func pump(_ client: Int32, _ server: Int32) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var descriptors = [client, server].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var isDropping = false
        pumping: while poll(&descriptors, 2, -1) > 0 {
            for index in 0..<2 where descriptors[index].revents != 0 {
                let count = read(descriptors[index].fd, &buffer, buffer.count)
                guard count > 0 else { break pumping }
                let isSilent =
                    index == 1
                    && state.withLock { state in
                        guard let left = state.answersLeft else { return false }
                        state.answersLeft = max(0, left - 1)
                        return left == 0
                    }
                if isSilent { continue }
                if index == 1, isDropping {
                    state.withLock { state in
                        state.dropped += 1
                        if state.isCutWithAnswer { state.isCut = true }
                    }
                    break pumping
                }
                // The name of the prepared statement, in the message that binds it.
                if index == 0, String(decoding: buffer[..<count], as: UTF8.self).contains("\0commit\0") {
                    let bytes = Array(buffer[..<count])
                    let isHeld = state.withLock { state in
                        guard state.holdsCommit else { return false }
                        state.holdsCommit = false
                        if state.isCutWithCommit { state.isCut = true }
                        state.held = (server, bytes)
                        state.sockets.subtract([client, server])
                        return true
                    }
                    if isHeld {
                        Glibc.close(client)
                        return
                    }
                    isDropping = state.withLock { state in
                        defer { state.dropsAnswerToCommit = false }
                        return state.dropsAnswerToCommit
                    }
                }
                guard send(descriptors[1 - index].fd, buffer, count, Int32(MSG_NOSIGNAL)) == count else {
                    break pumping
                }
            }
        }
        state.withLock { $0.sockets.subtract([client, server]) }
        Glibc.close(client)
        Glibc.close(server)
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}
