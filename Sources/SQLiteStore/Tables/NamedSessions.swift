import TaskStore

/// The connections of this manager that are attached to a named session.
struct NamedSessions {
    /// The id of the named session, by the connection that is attached to it.
    private var attached: [SessionID: NamedSessionID] = [:]

    /// The former values of ``attached`` for the changes of the batch, in their order.
    private var before: [(connection: SessionID, session: NamedSessionID?)] = []

    /// Connections that were found in this batch to be attached still.
    ///
    /// No other connection can take their sessions during it.
    private var confirmed: Set<SessionID> = []

    /// Whether no connection is attached to a named session.
    var isEmpty: Bool { attached.isEmpty }

    /// All attached connections, with the ids of their sessions.
    var all: [SessionID: NamedSessionID] { attached }

    subscript(connection: SessionID) -> NamedSessionID? { attached[connection] }

    func isConfirmed(_ connection: SessionID) -> Bool { confirmed.contains(connection) }

    mutating func confirm(_ connection: SessionID) { confirmed.insert(connection) }

    /// Attaches a connection to a session, or detaches it.
    mutating func set(_ session: NamedSessionID?, for connection: SessionID) {
        before.append((connection, attached[connection]))
        attached[connection] = session
        // Another connection of this manager may have lost the session by that.
        confirmed.removeAll()
    }

    /// Ends the batch.
    ///
    /// - Parameter isCommitted: whether its changes are kept.
    mutating func endBatch(isCommitted: Bool) {
        if !before.isEmpty {
            if !isCommitted { for change in before.reversed() { attached[change.connection] = change.session } }
            before.removeAll()
        }
        if !confirmed.isEmpty { confirmed.removeAll(keepingCapacity: true) }
    }
}
