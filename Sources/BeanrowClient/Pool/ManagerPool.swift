internal import BeanstalkWire
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization
internal import TaskStore

/// The connections to all managers, and which of the managers can be tried.
///
/// It starts no tasks: connecting and closing run on the event loop, for whoever waits.
final class ManagerPool: Sendable {
    private struct State {
        var links: [ManagerLink]
        var picker: ManagerPicker
        var alive: [ObjectIdentifier: ManagerConnection] = [:]
        var connecting = 0

        /// Sessions that hold claims somebody has.
        var leased: [ObjectIdentifier: ClaimSession] = [:]

        var farewells = 0
        var closing: EventLoopPromise<Void>?
        var didClose = false
        var isClosed: Bool { closing != nil }

        mutating func finishClosing() {
            if isClosed && !didClose && alive.isEmpty && connecting == 0 && farewells == 0 {
                didClose = true
                closing?.succeed()
            }
        }
    }

    static let closedError = ClientError(.closed, "the client was closed")

    let options: BeanrowClient.Options
    private let eventLoop: any EventLoop
    private let state: Mutex<State>

    init(managers: [ManagerAddress], options: BeanrowClient.Options) {
        self.options = options
        self.eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let first = managers.isEmpty ? 0 : options.randomNumber(managers.count)
        self.state = Mutex(
            State(
                links: managers.map(ManagerLink.init),
                picker: ManagerPicker(count: managers.count, strategy: options.pick, first: first)
            )
        )
    }

    // MARK: - Which manager

    /// The managers in the order in which to try them for one request.
    func order() -> [Int] {
        state.withLock { $0.picker.order(random: options.randomNumber) }
    }

    /// The managers in the order in which to try them, where the first was picked already.
    func order(beginningWith first: Int) -> [Int] {
        let count = state.withLock { $0.links.count }
        return (0..<count).map { (first + $0) % count }
    }

    /// Whether there is any manager to try.
    var isAnyManagerKnown: Bool { state.withLock { !$0.links.isEmpty } }

    /// How many of some tasks to ask each manager for, where each task picks its manager.
    func shares(of count: Int) -> [(index: Int, share: Int)] {
        let now = options.timekeeper.now()
        return state.withLock { state in
            var shares: [Int: Int] = [:]
            for _ in 0..<(state.links.isEmpty ? 0 : count) {
                let order = state.picker.order(random: options.randomNumber)
                shares[order.first { state.links[$0].isDue(at: now) } ?? order[0], default: 0] += 1
            }
            return shares.sorted { $0.key < $1.key }.map { (index: $0.key, share: $0.value) }
        }
    }

    /// Says which manager did what was asked.
    func worked(_ index: Int) {
        state.withLock { $0.picker.worked(index) }
    }

    /// Whether a manager may be tried now, or has to wait because it could not be reached before.
    func isDue(_ index: Int) -> Bool {
        state.withLock { $0.links[index].isDue(at: options.timekeeper.now()) }
    }

    /// How long until the first of the managers may be tried; zero where one may now.
    func untilDue() -> Duration {
        let now = options.timekeeper.now()
        return state.withLock { state in
            state.links.map { $0.isDue(at: now) ? .zero : $0.retryAt - now }.min() ?? .zero
        }
    }

    /// What is known of managers that cannot be reached.
    func unreachable() -> ClientError {
        let attempts = state.withLock { state in
            state.links.map { ClientError.Attempt(address: $0.address, reason: $0.reason) }
        }
        let list = attempts.map(\.description).joined(separator: ", ")
        let message = attempts.isEmpty ? "no manager given" : "no manager reachable: \(list)"
        return ClientError(.noManagerReachable, message, attempts: attempts)
    }

    // MARK: - Connections

    /// The connection to a manager that all share.
    func sharedConnection(_ index: Int) async throws(ClientError) -> ManagerConnection {
        let found = state.withLock { state -> Result<EventLoopFuture<ManagerConnection>, ClientError> in
            guard !state.isClosed else { return .failure(Self.closedError) }
            switch state.links[index].shared {
            case .open(let connection) where connection.isOpen:
                return .success(eventLoop.makeSucceededFuture(connection))
            case .connecting(let future):
                return .success(future)
            case .open, .none:
                let future = connect(index, &state, shared: true)
                state.links[index].shared = .connecting(future)
                return .success(future)
            }
        }
        return try await found.get().connection { _ in }
    }

    /// A new connection to a manager, for one use at a time.
    func newConnection(_ index: Int) async throws(ClientError) -> ManagerConnection {
        let found = state.withLock { state -> Result<EventLoopFuture<ManagerConnection>, ClientError> in
            guard !state.isClosed else { return .failure(Self.closedError) }
            return .success(connect(index, &state, shared: false))
        }
        return try await found.get().connection { $0.close(Self.closedError) }
    }

    /// Takes a session that holds nothing for a reserve.
    func takeIdle(_ index: Int) throws(ClientError) -> ClaimSession? {
        try state.withLock { state -> Result<ClaimSession?, ClientError> in
            state.isClosed ? .failure(Self.closedError) : .success(state.links[index].takeIdle())
        }
        .get()
    }

    /// Keeps a session that holds nothing for the next reserve at its manager.
    func keepIdle(_ session: ClaimSession) {
        let connection = session.lastConnection
        state.withLock { state in
            guard !state.isClosed, connection.isOpen else { return }
            if let index = state.links.firstIndex(where: { $0.address == connection.address }) {
                state.links[index].idle.append(session)
            }
        }
    }

    /// Remembers a session that holds claims somebody has.
    func leased(_ session: ClaimSession) {
        state.withLock { $0.leased[ObjectIdentifier(session)] = session }
    }

    /// Forgets that a session held claims.
    func unleased(_ session: ClaimSession) {
        state.withLock { $0.leased[ObjectIdentifier(session)] = nil }
    }

    /// Closes all connections and returns when they are; claims go back into the queue.
    func close() async {
        let promise = eventLoop.makePromise(of: Void.self)
        let (done, connections, orphans) = state.withLock { state in
            if let closing = state.closing {
                promise.succeed()
                return (closing.futureResult, [ManagerConnection](), [ClaimSession]())
            }
            state.closing = promise
            for session in state.leased.values { session.end() }
            let orphans = state.leased.values.filter { !$0.lastConnection.isOpen }
            state.leased.removeAll()
            state.farewells += orphans.count
            state.finishClosing()
            return (promise.futureResult, Array(state.alive.values), orphans)
        }
        for connection in connections {
            connection.leave(Self.closedError)
        }
        for session in orphans {
            farewell(session).whenComplete { _ in self.didSayFarewell() }
        }
        await withCheckedContinuation { continuation in
            done.whenComplete { _ in continuation.resume() }
        }
    }

    /// Takes leave for a session whose connection is lost, through whichever manager can be reached.
    ///
    /// Each is tried once. Where none can be reached the session's claims last until their time to run is over.
    func sayFarewell(_ session: ClaimSession) {
        let isClosed = state.withLock { state in
            guard !state.isClosed else { return true }
            state.farewells += 1
            return false
        }
        guard !isClosed else { return }
        farewell(session).whenComplete { _ in self.didSayFarewell() }
    }

    private func didSayFarewell() {
        state.withLock { state in
            state.farewells -= 1
            state.finishClosing()
        }
    }

    private func farewell(_ session: ClaimSession) -> EventLoopFuture<Void> {
        guard let name = session.name else { return eventLoop.makeSucceededVoidFuture() }
        let addresses = order().map { index in state.withLock { $0.links[index].address } }
        return farewell(name, at: addresses[...])
    }

    private func farewell(_ name: SessionName, at addresses: ArraySlice<ManagerAddress>) -> EventLoopFuture<Void> {
        guard let address = addresses.first else { return eventLoop.makeSucceededVoidFuture() }
        let timeout = options.longestLeave
        let limits = ManagerConnection.Limits(commandsInFlight: 1, requestTimeout: timeout, longestLeave: timeout)
        return
            eventLoop.flatSubmit { [eventLoop] in
                ManagerConnection.connect(to: address, on: eventLoop, timeout: timeout, limits: limits)
            }
            .flatMap { connection in
                connection.send([.session(name)]).future
                    .flatMap { _ in
                        connection.leave(Self.closedError)
                        return connection.closed
                    }
            }
            .flatMapError { _ in self.farewell(name, at: addresses.dropFirst()) }
    }

    private func connect(_ index: Int, _ state: inout State, shared: Bool) -> EventLoopFuture<ManagerConnection> {
        let address = state.links[index].address
        state.connecting += 1
        let limits = ManagerConnection.Limits(
            commandsInFlight: options.commandsInFlight,
            requestTimeout: options.requestTimeout,
            longestLeave: options.longestLeave
        )
        // The callback takes the lock, which this caller still holds: it must not run here.
        return
            eventLoop.flatSubmit { [eventLoop, options] in
                ManagerConnection.connect(
                    to: address,
                    on: eventLoop,
                    timeout: options.connectTimeout,
                    limits: limits
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
        let keep = state.withLock { state in
            guard !state.isClosed else { return false }
            state.connecting -= 1
            state.alive[ObjectIdentifier(connection)] = connection
            state.links[index].failures = 0
            if shared {
                state.links[index].shared = .open(connection)
            }
            return true
        }
        guard keep else {
            connection.close(Self.closedError)
            throw Self.closedError
        }
        options.logger.debug("connected", metadata: ["manager": "\(connection.address)"])
        connection.whenEnded { self.lost(index, connection) }
        connection.closed.whenComplete { _ in self.closed(connection) }
    }

    private func failed(_ index: Int, _ error: any Error, shared: Bool) {
        let now = options.timekeeper.now()
        let random = Double(options.randomNumber(1000)) / 1000
        let reason = (error as? ClientError)?.message ?? "\(error)"
        state.withLock { state in
            state.connecting -= 1
            state.finishClosing()
            let failures = state.links[index].failures
            state.links[index].retryAt = now + options.retryDelay.duration(before: failures, random: random)
            state.links[index].failures = failures + 1
            state.links[index].reason = reason
            if shared {
                state.links[index].shared = .none
            }
        }
        options.logger.debug("cannot connect", metadata: ["manager": "\(index)", "reason": "\(reason)"])
    }

    private func lost(_ index: Int, _ connection: ManagerConnection) {
        options.logger.debug("connection ended", metadata: ["manager": "\(connection.address)"])
        state.withLock { state in
            state.links[index].forget(connection)
            state.picker.lost(index)
        }
    }

    private func closed(_ connection: ManagerConnection) {
        state.withLock { state in
            state.alive[ObjectIdentifier(connection)] = nil
            state.finishClosing()
        }
    }
}

extension EventLoopFuture<ManagerConnection> {
    /// Waits for a connection, unless the task is cancelled.
    ///
    /// - Parameter unwanted: what becomes of a connection that came too late.
    /// - Returns: the connection.
    /// - Throws: ``ClientError``
    fileprivate func connection(
        unwanted: @escaping @Sendable (ManagerConnection) -> Void
    ) async throws(ClientError) -> ManagerConnection {
        let first = FirstOf<Result<ManagerConnection, any Error>>()
        whenComplete { result in
            if !first.offer(result), case .success(let connection) = result {
                unwanted(connection)
            }
        }
        let result = await withTaskCancellationHandler {
            await first.value()
        } onCancel: {
            _ = first.offer(.failure(ClientError(.cancelled, "the task was cancelled")))
        }
        switch result {
        case .success(let connection): return connection
        case .failure(let error as ClientError): throw error
        case .failure(let error): throw ClientError(.notConnected, "\(error)")
        }
    }
}
