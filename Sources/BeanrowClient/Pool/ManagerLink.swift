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

    /// Connections that hold no claim and wait for nothing, for the next reserve.
    var idle: [ManagerConnection] = []

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

    /// Takes an idle connection; those that died meanwhile are dropped.
    mutating func takeIdle() -> ManagerConnection? {
        while let connection = idle.popLast() {
            if connection.isOpen { return connection }
        }
        return nil
    }

    /// Forgets a connection that was closed.
    mutating func forget(_ connection: ManagerConnection) {
        if case .open(let open) = shared, open === connection {
            shared = .none
        }
        idle.removeAll { $0 === connection }
    }
}
