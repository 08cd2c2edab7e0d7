public import TaskStore

/// How managers tell each other what sessions wait for.
extension SQLiteStore {
    /// See ``Store/awaits(_:)``.
    public func awaits(_ tube: TubeName) {
        if insertAwaited(tube) { publishAwaited() }
    }

    /// See ``Store/stopsAwaiting(_:)``.
    public func stopsAwaiting(_ tube: TubeName) {
        if let bit = awaited.remove(tube) { publish(bit, isAwaited: false) }
        publishAwaited()
    }

    /// Adds a tube to those awaited; ``publishAwaited()`` has to follow.
    ///
    /// - Returns: whether it was not among them.
    @discardableResult
    func insertAwaited(_ name: TubeName) -> Bool {
        let tube = parts.ledger.tubes[name]
        let isKept = tube?.isReferred == true || tube?.id == Tube.defaultID
        guard awaited.insert(name, isKept ? tube : nil) else { return false }
        if let bit = awaited.bit(of: name) { publish(bit, isAwaited: true) }
        return true
    }

    private func publish(_ bit: Int, isAwaited: Bool) {
        if bit == Awaited.anyBit {
            parts.bells.setAwaitsAny(isAwaited, parts.slot.number)
        } else {
            parts.bells.setAwaited(bit, isAwaited, parts.slot.number)
        }
    }

    /// Lets the peers see which tubes are awaited.
    func publishAwaited() {
        parts.board.setAwaited(awaited.mask, parts.slot.number)
    }

    /// Tells the peers what the batch has for them, and notes what it has for this manager's sessions.
    ///
    /// The writer lock is held, and the batch is committed.
    ///
    /// - Returns: the slots of the peers that have to be woken after the lock is released.
    func tellOfBatch() -> UInt64 {
        let ledger = parts.ledger
        let mask = ledger.awakened
        guard mask != 0 else { return 0 }
        let grown = ledger.touched.filter(\.hasMoreToClaim)
        if !awaited.isEmpty {
            for tube in grown where awaited.bit(of: tube.name) != nil { moreToClaim.append(tube.name) }
        }
        var slots = parts.board.slots(awaiting: mask, except: parts.slot.number)
        guard slots != 0 else { return 0 }
        let displaced = ledger.displacesElsewhere ? slots : 0
        parts.bells.tellDisplaced(displaced)
        slots = parts.bells.ring(grown.map(\.id), at: slots)
        return slots | displaced
    }

    /// Takes the awaited tubes in which batches have left more to claim.
    func takeMoreToClaim() -> [TubeName] {
        guard !moreToClaim.isEmpty else { return [] }
        defer { moreToClaim.removeAll() }
        return moreToClaim
    }

    /// See ``Store/takeNews()``.
    public func takeNews() throws(StoreError) -> News? {
        var news = News()
        for bit in parts.bells.takeRung(parts.slot.number) { news.tubes.append(contentsOf: awaited.tubes(of: bit)) }
        // Whoever rings for a tube that has no bit rings with another's.
        news.tubes.append(contentsOf: awaited.tubes(of: Awaited.anyBit))
        guard parts.bells.takeDisplaced(parts.slot.number) else { return news }
        news.displaced = try reading { () throws(SQLiteError) in try parts.ledger.displacedConnections() }
        return news
    }

    /// See ``Store/lookForNews()``: one look at each tube's row, in a transaction that only reads.
    public func lookForNews() throws(StoreError) -> News? {
        try reading { () throws(SQLiteError) in
            var news = News()
            for name in awaited.tubes where try parts.ledger.hasTasksToClaim(name) { news.tubes.append(name) }
            news.displaced = try parts.ledger.displacedConnections()
            return news
        }
    }

    /// Reads something of one moment, without queueing with the writers.
    private func reading<Result>(_ body: () throws(SQLiteError) -> Result) throws(StoreError) -> Result {
        let statements = parts.ledger.statements
        do {
            try statements.beginRead.run()
            let result = try body()
            try statements.commit.run()
            return result
        } catch {
            throw abandon(error.beforeCommit(path))
        }
    }
}
