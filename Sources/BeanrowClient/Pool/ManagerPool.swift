internal import BeanstalkWire
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import Transport

/// The connections to all managers.
///
/// It starts no tasks: connecting and closing run on an event loop.
final class ManagerPool: Sendable {
    static let closedError = ClientError(.closed, "the client was closed")

    let options: BeanrowClient.Options
    let eventLoop: any EventLoop
    let state: Mutex<PoolState>

    let tls: TLSChoice

    init(managers: [ManagerAddress], options: BeanrowClient.Options) {
        self.options = options
        self.tls = TLSChoice(options.tls)
        self.eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let first = managers.isEmpty ? 0 : options.randomNumber(managers.count)
        let selector = ManagerSelector(count: managers.count, selection: options.selection, first: first)
        self.state = Mutex(PoolState(managers: managers, selector: selector))
    }

    /// Returns the connection to a manager that all callers share.
    ///
    /// - Throws: ``ClientError``, with ``ClientError/Code/notConnected`` if another manager may be tried.
    func sharedConnection(_ index: Int) async throws(ClientError) -> ManagerConnection {
        let found = state.withLock { state -> Result<EventLoopFuture<ManagerConnection>, ClientError> in
            guard !state.isClosed else { return .failure(Self.closedError) }
            switch state.managers[index].shared {
            case .open(let connection) where connection.isOpen:
                return .success(eventLoop.makeSucceededFuture(connection))
            case .connecting(let future):
                return .success(future)
            case .open, .none:
                let future = connect(index, &state, shared: true)
                state.managers[index].shared = .connecting(future)
                return .success(future)
            }
        }
        return try await found.get().connection { _ in }
    }

    /// Returns a new connection to a manager, for one caller.
    ///
    /// - Throws: ``ClientError``, with ``ClientError/Code/notConnected`` if another manager may be tried.
    func newConnection(_ index: Int) async throws(ClientError) -> ManagerConnection {
        let found = state.withLock { state -> Result<EventLoopFuture<ManagerConnection>, ClientError> in
            guard !state.isClosed else { return .failure(Self.closedError) }
            return .success(connect(index, &state, shared: false))
        }
        return try await found.get().connection { $0.close(Self.closedError) }
    }

    private func connect(_ index: Int, _ state: inout PoolState, shared: Bool) -> EventLoopFuture<ManagerConnection> {
        let address = state.managers[index].address
        state.connecting += 1
        let limits = ManagerConnection.Limits(
            commandsInFlight: options.commandsInFlight,
            requestTimeout: options.requestTimeout,
            quitTimeout: options.quitTimeout
        )
        // The callbacks take the lock, which this caller still holds. So they must not run here.
        return
            eventLoop.flatSubmit { [eventLoop, options, tls] in
                ManagerConnection.connect(
                    to: address,
                    on: eventLoop,
                    timeout: options.connectTimeout,
                    limits: limits,
                    tls: tls.get(ifNeededFor: address),
                    token: options.token
                )
            }
            .flatMapErrorThrowing { error in
                throw ClientError(.notConnected, ConnectFailure.reason(error), address: address)
            }
            .flatMapThrowing { connection in
                try self.connected(index, connection, shared: shared)
                return connection
            }
            .flatMapErrorThrowing { error in
                self.failed(index, error, shared: shared)
                throw error
            }
    }

    private func connected(_ index: Int, _ connection: ManagerConnection, shared: Bool) throws {
        let isWanted = state.withLock { state in
            guard !state.isClosed else { return false }
            state.connected(index, connection, shared: shared)
            return true
        }
        guard isWanted else {
            connection.close(Self.closedError)
            throw Self.closedError
        }
        options.logger.debug("connected", metadata: ["manager": "\(connection.address)"])
        connection.whenEnded { self.lost(index, connection) }
        connection.closed.whenComplete { _ in self.state.withLock { $0.closed(connection) } }
    }

    private func failed(_ index: Int, _ error: any Error, shared: Bool) {
        let now = options.clock.now()
        let reason = (error as? ClientError)?.message ?? "\(error)"
        let address = state.withLock { state in
            let delay = retryDelay(before: state.managers[index].failures)
            state.failed(index, reason: reason, retryAt: now + delay, shared: shared)
            return state.managers[index].address
        }
        options.logger.debug("cannot connect", metadata: ["manager": "\(address)", "reason": "\(reason)"])
    }

    private func lost(_ index: Int, _ connection: ManagerConnection) {
        options.logger.debug("connection ended", metadata: ["manager": "\(connection.address)"])
        state.withLock { $0.lost(index, connection) }
    }
}
