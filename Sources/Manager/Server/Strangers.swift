/// The connections whose clients are not known yet: a bounded number of them.
///
/// If there are too many, the oldest one is closed. A client that knows its token sends it at once, so a flood of
/// connections that do not must not keep it out.
///
/// Confined to the event loop.
struct Strangers {
    private let maximum: Int
    private var handlers: [Int: AuthenticationHandler] = [:]
    private var oldest = 0
    private var next = 0

    /// Makes an empty set.
    ///
    /// - Parameter maximum: the most connections, at least 1.
    init(maximum: Int) {
        self.maximum = max(1, maximum)
    }

    /// The number of connections.
    var count: Int { handlers.count }

    /// Adds a connection.
    ///
    /// - Returns: a number for ``remove(_:)``; and the oldest connection if there are too many now, which the caller has
    ///   to close.
    mutating func add(_ handler: AuthenticationHandler) -> (number: Int, excess: AuthenticationHandler?) {
        var excess: AuthenticationHandler?
        while handlers.count >= maximum, oldest < next, excess == nil {
            excess = handlers.removeValue(forKey: oldest)
            oldest += 1
        }
        handlers[next] = handler
        defer { next += 1 }
        return (next, excess)
    }

    /// Removes a connection: its client is known now, or it is closed.
    mutating func remove(_ number: Int) {
        handlers[number] = nil
    }

    /// Returns all connections, and forgets them.
    mutating func takeAll() -> [AuthenticationHandler] {
        defer { handlers.removeAll() }
        return Array(handlers.values)
    }
}
