internal import NIOCore

/// The connections to one manager, and its failures.
struct ManagerState: Sendable {
    /// The connection that all requests share, except those that wait or claim.
    enum SharedConnection: Sendable {
        case none
        case connecting(EventLoopFuture<ManagerConnection>)
        case open(ManagerConnection)
    }

    /// The address of the manager.
    let address: ManagerAddress

    /// The shared connection.
    var shared = SharedConnection.none

    /// Sessions without a claim and without a waiting reserve, for the next reserve.
    var idle: [ClaimSession] = []

    /// The number of failures to connect since the last success.
    var failures = 0

    /// When to connect again, on the client's clock.
    ///
    /// Ignored if there was no failure.
    var retryAt = Duration.zero

    /// The reason of the last failure to connect.
    var reason = "not tried"

    init(address: ManagerAddress) {
        self.address = address
    }

    /// Returns whether a connection may be tried now.
    func isDue(at now: Duration) -> Bool {
        failures == 0 || retryAt <= now
    }

    /// Removes and returns an idle session.
    ///
    /// Sessions with a lost connection are dropped, since they have no claims.
    mutating func takeIdle() -> ClaimSession? {
        while let session = idle.popLast() {
            if session.lastConnection.isOpen { return session }
        }
        return nil
    }

    /// Removes a connection that was closed.
    mutating func forget(_ connection: ManagerConnection) {
        if case .open(let open) = shared, open === connection {
            shared = .none
        }
        idle.removeAll { $0.lastConnection === connection }
    }
}
