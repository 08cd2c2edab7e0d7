internal import Logging

/// The engine's actions if clients make it use too much memory.
extension Engine {
    /// Drops bodies or connections if the connections use too much memory.
    ///
    /// - Parameter connection: the connection that uses more than before.
    func checkMemory(after connection: any SessionConnection) {
        if memory.hasTooManyBodies {
            if memory.mustSearchForBodies() { discardBodies() } else { connection.discardBodies() }
        }
        if memory.hasTooMuchUnread { closeUnread() }
    }

    /// Sets the bounds of the next batch on answers, watched tubes and claims.
    func boundBatch() {
        table.bound(bytesOfAnswers: memory.answersForOne)
        table.sessions.watchesLeft = memory.watchesLeft
        table.sessions.claimsLeft = memory.claimsLeft
    }

    /// Discards bodies that are arriving, or that wait behind a command that does not end, the slowest first.
    private func discardBodies() {
        let now = ContinuousClock.now
        let slowest = connections.values
            .compactMap { connection in connection.speedOfBodies(at: now).map { (connection, $0) } }
            .sorted { $0.1 < $1.1 }
        var discarded = 0
        for (connection, _) in slowest where memory.held.bodies > memory.bodiesLeftOver {
            connection.discardBodies()
            discarded += 1
        }
        memory.didSearchForBodies()
        guard discarded > 0 else { return }
        log("bodies are refused: clients send more at once than --max-memory allows", discarded)
    }

    /// Closes connections whose answers have been unread for the longest time; never the last one.
    private func closeUnread() {
        let oldest = connections.values.compactMap { connection in connection.unreadSince.map { (connection, $0) } }
            .sorted { $0.1 < $1.1 }
        var closed = 0
        for (connection, _) in oldest.dropLast() where memory.held.unread > memory.unreadLeftOver {
            connection.abort()
            closed += 1
        }
        guard closed > 0 else { return }
        log("clients do not read their answers: their connections were closed (--max-memory)", closed)
    }

    /// Closes a connection whose client has closed its side and has sent more than there is room for.
    func closeUnstoppable(_ connection: any SessionConnection) {
        connection.abort()
        log("clients close after sending more than --max-memory allows: their connections were closed", 1)
    }

    func log(_ what: String, _ count: Int) {
        guard let times = memoryFailures.note(what) else { return }
        logger.warning("\(what)", metadata: ["connections": "\(count)", "times": "\(times)"])
    }
}
