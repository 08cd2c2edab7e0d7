public import TaskStore

/// How managers tell each other which tubes their sessions wait for, and that there are tasks.
extension SQLiteStore {
    /// See ``Store/unsubscribe(from:)``.
    public func unsubscribe(from tube: TubeName) {
        if let bit = subscriptions.remove(tube) { publish(bit, isSubscribed: false) }
        publishSubscriptions()
    }

    /// Subscribes to a tube; ``publishSubscriptions()`` has to follow.
    ///
    /// - Returns: false if this manager subscribes to it already.
    @discardableResult
    func subscribe(_ name: TubeName) -> Bool {
        let tube = parts.tables.tubes[name]
        let isKept = tube?.isUsedHere == true || tube?.id == Tube.defaultID
        guard subscriptions.insert(name, isKept ? tube : nil) else { return false }
        if let bit = subscriptions.bit(of: name) { publish(bit, isSubscribed: true) }
        return true
    }

    private func publish(_ bit: Int, isSubscribed: Bool) {
        if bit == TubeSubscriptions.anyBit {
            parts.tubeNotifications.setSubscribesToAny(isSubscribed, parts.livenessLock.slot)
        } else {
            parts.tubeNotifications.setSubscribed(bit, isSubscribed, parts.livenessLock.slot)
        }
    }

    /// Shows the peers which tubes this manager subscribes to.
    func publishSubscriptions() {
        parts.sharedPage.setSubscriptions(subscriptions.mask, of: parts.livenessLock.slot)
    }

    /// Tells the peers in which tubes the batch has left more to claim, and notes that for this manager's sessions.
    ///
    /// The writer lock is held, and the batch is committed.
    ///
    /// - Returns: the slots of the peers that have to be woken after the lock is released.
    func announceBatch() -> UInt64 {
        let tables = parts.tables
        let mask = tables.announcementMask
        guard mask != 0 else { return 0 }
        let grown = tables.changedTubes.filter(\.hasMoreToClaim)
        if !subscriptions.isEmpty {
            for tube in grown where subscriptions.bit(of: tube.name) != nil { moreToClaim.append(tube.name) }
        }
        var slots = parts.sharedPage.slots(subscribedTo: mask, except: parts.livenessLock.slot)
        guard slots != 0 else { return 0 }
        let superseded = tables.supersedesElsewhere ? slots : 0
        parts.tubeNotifications.notifySuperseded(superseded)
        slots = parts.tubeNotifications.notify(grown.map(\.id), at: slots)
        return slots | superseded
    }

    /// Takes the tubes that this manager subscribes to and in which batches have left more to claim.
    func takeMoreToClaim() -> [TubeName] {
        guard !moreToClaim.isEmpty else { return [] }
        defer { moreToClaim.removeAll() }
        return moreToClaim
    }

    /// See ``Store/takeNews()``.
    public func takeNews() throws(StoreError) -> News? {
        var news = News()
        for bit in parts.tubeNotifications.takeNotified(parts.livenessLock.slot) {
            news.tubes.append(contentsOf: subscriptions.tubes(of: bit))
        }
        // A peer that notifies of a tube without a bit uses the bit of another tube.
        news.tubes.append(contentsOf: subscriptions.tubes(of: TubeSubscriptions.anyBit))
        guard parts.tubeNotifications.takeDisplaced(parts.livenessLock.slot) else { return news }
        news.superseded = try reading { () throws(SQLiteError) in try parts.tables.supersededConnections() }
        return news
    }

    /// See ``Store/lookForNews()``: reads each tube's row in one transaction.
    public func lookForNews() throws(StoreError) -> News? {
        try reading { () throws(SQLiteError) in
            var news = News()
            for name in subscriptions.tubes where try parts.tables.hasTasksToClaim(name) { news.tubes.append(name) }
            news.superseded = try parts.tables.supersededConnections()
            return news
        }
    }

    /// Runs a function in a transaction that only reads, without waiting for the writers.
    private func reading<Result>(_ body: () throws(SQLiteError) -> Result) throws(StoreError) -> Result {
        let statements = parts.tables.statements.transaction
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
