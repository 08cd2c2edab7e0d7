internal import NIOCore

/// What the client knows of one manager.
struct ManagerLink: Sendable {
    /// The connection that requests of all kinds share, except those that wait or claim.
    enum Shared: Sendable {
        case none
        case connecting(EventLoopFuture<ManagerConnection>)
        case open(ManagerConnection)
    }

    /// Where the manager is.
    let address: ManagerAddress

    /// The shared connection.
    var shared = Shared.none

    /// Sessions that hold no claim and wait for nothing, for the next reserve.
    var idle: [ClaimSession] = []

    /// How often in a row it could not be connected to.
    var failures = 0

    /// When to try again; of no meaning where there was no failure.
    var retryAt = Duration.zero

    /// Why it could not be connected to, the last time.
    var reason = "not tried"

    init(address: ManagerAddress) {
        self.address = address
    }

    /// Whether it may be tried now.
    func isDue(at now: Duration) -> Bool {
        failures == 0 || retryAt <= now
    }

    /// Takes an idle session; those whose connection died meanwhile are dropped, as they hold nothing.
    mutating func takeIdle() -> ClaimSession? {
        while let session = idle.popLast() {
            if session.lastConnection.isOpen { return session }
        }
        return nil
    }

    /// Forgets a connection that was closed.
    mutating func forget(_ connection: ManagerConnection) {
        if case .open(let open) = shared, open === connection {
            shared = .none
        }
        idle.removeAll { $0.lastConnection === connection }
    }
}
