internal import CPlatform
internal import Glibc
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import TaskStore
internal import Transport

/// A listener whose socket is bound: clients can connect, and are accepted after ``accept()``.
struct OpenListener: Sendable {
    /// The listener, with the port that was picked if it asked for any.
    let listener: Listener

    private let channel: any Channel
    private let file: UnixSocketFile?

    /// Binds a socket.
    ///
    /// - Parameters:
    ///   - listener: where to listen.
    ///   - sockets: the permissions of a unix socket.
    ///   - bootstrap: the settings of its connections.
    /// - Throws: ``ManagerError`` with the reason.
    init(_ listener: Listener, sockets: SocketOptions, _ bootstrap: ServerBootstrap) async throws {
        switch listener.address {
        case .network(let address):
            (self.listener, channel) = try await Self.bind(address, listener, bootstrap)
            file = nil
        case .unix(let path):
            self.listener = listener
            (file, channel) = try await Self.bind(path, sockets, bootstrap)
        }
    }

    /// Begins to accept connections.
    func accept() async throws {
        try await channel.setOption(.autoRead, value: true).get()
    }

    /// Stops: no client can connect any more, and a unix socket's file is removed.
    func close() {
        file?.remove()
        channel.close(promise: nil)
    }

    private static func bind(
        _ address: NetworkAddress,
        _ listener: Listener,
        _ bootstrap: ServerBootstrap
    ) async throws -> (Listener, any Channel) {
        do {
            let channel =
                try await bootstrap
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
                .childChannelOption(.socketOption(.so_keepalive), value: 1)
                .bind(host: address.host, port: address.port)
                .get()
            var bound = listener
            if let local = channel.localAddress {
                bound.address = .network(NetworkAddress(host: local.ipAddress ?? address.host, port: local.port ?? 0))
            }
            return (bound, channel)
        } catch {
            throw ManagerError("cannot listen on \(address): \(describe(error))")
        }
    }

    private static func bind(
        _ path: SocketPath,
        _ options: SocketOptions,
        _ bootstrap: ServerBootstrap
    ) async throws -> (UnixSocketFile, any Channel) {
        let file: UnixSocketFile
        let socket: CInt
        do throws(TransportError) {
            (file, socket) = try UnixSocketFile.bind(path, options)
        } catch {
            throw ManagerError(error.description)
        }
        do {
            let channel = try await bootstrap.withBoundSocket(socket).get()
            // SwiftNIO has set its default, which is 128.
            listen(socket, CInt(backlog))
            return (file, channel)
        } catch {
            file.remove()
            throw ManagerError("cannot listen on \(path): \(describe(error))")
        }
    }

    /// The most clients that wait to be accepted: as many as the kernel allows.
    ///
    /// TCP clients that are not in its queue try again only after a second.
    static let backlog: Int32 = 65_535

    private static func describe(_ error: any Error) -> String {
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE: "the port is in use"
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL: "this machine has no such address"
        case let error as IOError where error.errnoCode == EACCES: "no permission"
        case is SocketAddressError: "no such host"
        default: "\(error)"
        }
    }
}

extension ConnectionOrigin {
    /// The origin of a channel that a listener has accepted.
    ///
    /// - Parameters:
    ///   - channel: the channel; called on its event loop.
    ///   - listener: the listener.
    /// - Throws: an error if the user of a unix socket's client cannot be found.
    init(_ channel: any Channel, _ listener: Listener) throws {
        switch listener.address {
        case .network:
            self.init(address: Self.address(of: channel), isOpen: listener.isOpen)
        case .unix(let path):
            var user: UInt32 = 0
            let error = try channel.pipeline.syncOperations
                .withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { beanrow_peer_user($0, &user) }
            guard error == 0 else { throw ManagerError("the user of a client of \(path) is not known") }
            self.init(address: "\(path)", identity: .user(id: user), isOpen: listener.isOpen)
        }
    }

    /// Returns the address of a channel's client, for logs.
    static func address(of channel: any Channel) -> String {
        guard let address = channel.remoteAddress, let host = address.ipAddress else { return "unknown" }
        return "\(NetworkAddress(host: host, port: address.port ?? 0))"
    }
}
