internal import Logging
internal import NIOCore
internal import TaskStore
internal import Transport

extension Engine {
    /// Prepares for connections with TLS.
    ///
    /// - Parameters:
    ///   - tls: the certificates.
    ///   - limits: bounds on the handshakes of this event loop.
    func acceptTLS(_ tls: ServerTLS, _ limits: HandshakeLimits) {
        // Not weak, see ``ConnectionHandler``; the cycle ends with ``endHandshakes()``.
        acceptor = TLSAcceptor(tls: tls, eventLoop: eventLoop, limits: limits) { failure, channel in
            self.logHandshake(failure, channel)
        }
    }

    /// Ends all handshakes, and accepts no connection with TLS any more.
    func endHandshakes() {
        acceptor?.close()
        acceptor = nil
    }

    /// Takes a channel that a listener has just accepted: at once, or when its handshake is complete.
    ///
    /// - Parameters:
    ///   - channel: the channel.
    ///   - listener: the listener that accepted it.
    /// - Throws: the errors of the channel's pipeline.
    func accept(_ channel: any Channel, from listener: Listener) throws {
        let origin = try ConnectionOrigin(channel, listener)
        switch listener.security {
        case .plaintext:
            // Only such a listener may write to the socket directly.
            try admit(channel, answerPath: .socket, origin: origin)
        case .tls:
            guard let acceptor else { throw ChannelError.operationUnsupported }
            try acceptor.accept(channel) { identity, connection in
                guard self.phase == .running else { throw ChannelError.alreadyClosed }
                var origin = origin
                origin.identity = identity
                try self.admit(channel, answerPath: .pipeline, origin: origin, tls: connection)
            }
        }
    }

    /// Makes a channel one of the connections, or refuses it.
    ///
    /// - Parameters:
    ///   - channel: the channel; its `channelActive` follows.
    ///   - answerPath: how answers leave; a property of the channel's listener.
    ///   - origin: where the connection comes from.
    ///   - tls: its TLS, if it has any.
    /// - Throws: the errors of the channel's pipeline.
    private func admit(
        _ channel: any Channel,
        answerPath: AnswerPath,
        origin: ConnectionOrigin,
        tls: TLSConnection? = nil
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if hasRoom(for: channel, tls), admission.admit(channel) {
            let grant = ReceiveGrant(memory)
            try channel.syncOptions?.setOption(.recvAllocator, value: GrantedReceiveAllocator(grant))
            channel.closeFuture.assumeIsolated().whenComplete { _ in grant.end() }
            try pipeline.addHandler(firstHandler(answerPath: answerPath, origin: origin, tls: tls))
        } else {
            try pipeline.addHandler(admission.refusal(channel))
        }
    }

    /// Returns whether there is memory for a connection's TLS, and counts it until the channel is closed.
    private func hasRoom(for channel: any Channel, _ tls: TLSConnection?) -> Bool {
        guard tls != nil else { return true }
        guard memory.takeTLS() else {
            log("connections with TLS are refused: there are too many for --max-memory", 1)
            return false
        }
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.memory.returnTLS() }
        return true
    }

    private func logHandshake(_ failure: HandshakeFailure, _ channel: any Channel) {
        guard phase == .running, let times = handshakeFailures.note("\(failure)") else { return }
        logger.warning(
            "a TLS handshake failed: \(failure)",
            metadata: ["address": "\(ConnectionOrigin.address(of: channel))", "times": "\(times)"]
        )
    }

    /// Closes connections whose clients have held half a command for too long.
    func closeStalled() {
        for connection in connections.values where connection.checkProgress() {
            logger.debug("a client did not complete its command in time")
            connection.abort()
        }
    }
}
