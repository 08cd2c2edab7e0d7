internal import Access
internal import TaskStore

/// The way from a session's answers to its client.
protocol SessionConnection: AnyObject {
    /// Where the connection comes from.
    var origin: ConnectionOrigin { get }

    /// The connection's session, while it is open.
    var session: Session? { get }

    /// Closes the connection at once if its principal is not in the list.
    func expel(unlessIn list: AccessList)

    /// Writes ``Session/replies`` and closes if ``Session/closing`` says so.
    func sendReplies()

    /// Notes that the session's queue may be shorter now.
    func resumeReading()

    /// Stops reading from the client. The commands that have arrived are carried out, then the connection is closed.
    func leave()

    /// Closes the connection at once.
    func abort()

    /// Returns whether the client has held an incomplete command for too long. Call it every quarter of that time.
    func checkProgress() -> Bool

    /// Returns the speed of the bodies that the connection has in memory and that may be discarded, in bytes per
    /// second.
    ///
    /// - Returns: the speed; `nil` if there are no such bodies, and 0 for bodies that wait behind a command that does
    ///   not end.
    func speedOfBodies(at now: ContinuousClock.Instant) -> Double?

    /// Discards those bodies: their commands are answered `OUT_OF_MEMORY`.
    func discardBodies()

    /// Notes that the session has fewer claims without an answer to its client.
    func updateMemory()

    /// The time since when there are unread answers, if there are more of them than a connection may always have.
    var unreadSince: ContinuousClock.Instant? { get }

    /// Notes that other sessions may have the session's claims now.
    func loseClaims()
}
