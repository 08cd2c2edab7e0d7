internal import BeanstalkWire
internal import NIOCore
internal import Synchronization
internal import TaskStore

extension ManagerPool {
    /// Closes all connections and returns when they are closed.
    ///
    /// All claims are released.
    func close() async {
        let promise = eventLoop.makePromise(of: Void.self)
        let (closed, connections, orphans) = state.withLock { $0.startClosing(promise) }
        for connection in connections {
            connection.quit(Self.closedError)
        }
        for session in orphans {
            releaseClaimsThroughAnyManager(session).whenComplete { _ in self.state.withLock { $0.didRelease() } }
        }
        await withCheckedContinuation { continuation in
            closed.whenComplete { _ in continuation.resume() }
        }
    }

    /// Releases the claims of a session whose connection is lost, through any manager that can be reached.
    ///
    /// Each manager is tried once. If none can be reached, the claims last until their time to run is over.
    func startReleasingThroughAnyManager(_ session: ClaimSession) {
        let isClosed = state.withLock { state in
            guard !state.isClosed else { return true }
            state.releasing += 1
            return false
        }
        guard !isClosed else { return }
        releaseClaimsThroughAnyManager(session).whenComplete { _ in self.state.withLock { $0.didRelease() } }
    }

    private func releaseClaimsThroughAnyManager(_ session: ClaimSession) -> EventLoopFuture<Void> {
        guard let name = session.name else { return eventLoop.makeSucceededVoidFuture() }
        let addresses = order().map { index in state.withLock { $0.managers[index].address } }
        return releaseClaims(of: name, at: addresses[...])
    }

    // A connection that attaches the session and quits releases its claims.
    private func releaseClaims(
        of name: SessionName,
        at addresses: ArraySlice<ManagerAddress>
    ) -> EventLoopFuture<Void> {
        guard let address = addresses.first else { return eventLoop.makeSucceededVoidFuture() }
        let timeout = options.quitTimeout
        let limits = ManagerConnection.Limits(commandsInFlight: 1, requestTimeout: timeout, quitTimeout: timeout)
        return
            eventLoop.flatSubmit { [eventLoop, options, tls] in
                ManagerConnection.connect(
                    to: address,
                    on: eventLoop,
                    timeout: timeout,
                    limits: limits,
                    tls: tls.get(ifNeededFor: address),
                    token: options.token
                )
            }
            .flatMap { connection in
                connection.send([.session(name)]).future
                    .flatMap { _ in
                        connection.quit(Self.closedError)
                        return connection.closed
                    }
            }
            .flatMapError { _ in self.releaseClaims(of: name, at: addresses.dropFirst()) }
    }
}
