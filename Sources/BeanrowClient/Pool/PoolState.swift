internal import NIOCore

/// The state of a ``ManagerPool``: its managers, connections and sessions.
///
/// It does no I/O.
struct PoolState {
    /// The managers, in the order of the client's list.
    var managers: [ManagerState]

    /// Decides which manager is tried first.
    var selector: ManagerSelector

    /// All open connections.
    var connections: [ObjectIdentifier: ManagerConnection] = [:]

    /// The number of connections that are being made.
    var connecting = 0

    /// Sessions that have claims.
    var inUse: [ObjectIdentifier: ClaimSession] = [:]

    /// The number of sessions whose claims are being released through another connection.
    var releasing = 0

    private var closing: EventLoopPromise<Void>?
    private var didClose = false

    init(managers: [ManagerAddress], selector: ManagerSelector) {
        self.managers = managers.map(ManagerState.init)
        self.selector = selector
    }

    /// Whether the client was closed.
    var isClosed: Bool { closing != nil }

    /// Returns how many of some claims to ask each manager for, if each claim selects its manager.
    mutating func shares(of count: Int, at now: Duration, random: (Int) -> Int) -> [(index: Int, share: Int)] {
        var shares: [Int: Int] = [:]
        for _ in 0..<(managers.isEmpty ? 0 : count) {
            let order = selector.order(random: random)
            shares[order.first { managers[$0].isDue(at: now) } ?? order[0], default: 0] += 1
        }
        return shares.sorted { $0.key < $1.key }.map { (index: $0.key, share: $0.value) }
    }

    /// Returns the time until the first manager may be tried; zero if one may be tried now.
    func timeUntilDue(at now: Duration) -> Duration {
        managers.map { $0.isDue(at: now) ? .zero : $0.retryAt - now }.min() ?? .zero
    }

    /// Returns the error for a request that no manager could be reached for.
    func unreachable() -> ClientError {
        let attempts = managers.map { ClientError.Attempt(address: $0.address, reason: $0.reason) }
        let list = attempts.map(\.description).joined(separator: ", ")
        let message = attempts.isEmpty ? "no manager given" : "no manager reachable: \(list)"
        return ClientError(.noManagerReachable, message, attempts: attempts)
    }

    /// Records a new connection.
    mutating func connected(_ index: Int, _ connection: ManagerConnection, shared: Bool) {
        connecting -= 1
        connections[ObjectIdentifier(connection)] = connection
        managers[index].failures = 0
        if shared {
            managers[index].shared = .open(connection)
        }
    }

    /// Records a failure to connect.
    mutating func failed(_ index: Int, reason: String, retryAt: Duration, shared: Bool) {
        connecting -= 1
        managers[index].retryAt = retryAt
        managers[index].failures += 1
        managers[index].reason = reason
        if shared {
            managers[index].shared = .none
        }
        finishClosing()
    }

    /// Records that a connection has ended, and must not be used any more.
    mutating func lost(_ index: Int, _ connection: ManagerConnection) {
        managers[index].forget(connection)
        selector.lost(index)
    }

    /// Records that a connection is closed.
    mutating func closed(_ connection: ManagerConnection) {
        connections[ObjectIdentifier(connection)] = nil
        finishClosing()
    }

    /// Starts to close.
    ///
    /// Ends all sessions that have claims.
    ///
    /// - Parameter promise: succeeds when all connections are closed. Unused if another call has started before.
    /// - Returns: the future to wait for, the connections to close, and the sessions whose connection is lost. Both
    ///   lists are empty if another call has started before.
    mutating func startClosing(
        _ promise: EventLoopPromise<Void>
    ) -> (closed: EventLoopFuture<Void>, connections: [ManagerConnection], orphans: [ClaimSession]) {
        if let closing {
            promise.succeed()
            return (closing.futureResult, [], [])
        }
        closing = promise
        for session in inUse.values { session.end() }
        let orphans = inUse.values.filter { !$0.lastConnection.isOpen }
        inUse.removeAll()
        releasing += orphans.count
        finishClosing()
        return (promise.futureResult, Array(connections.values), orphans)
    }

    /// Records that the claims of a session were released through another connection, or could not be.
    mutating func didRelease() {
        releasing -= 1
        finishClosing()
    }

    private mutating func finishClosing() {
        if isClosed && !didClose && connections.isEmpty && connecting == 0 && releasing == 0 {
            didClose = true
            closing?.succeed()
        }
    }
}
