import CPlatform

/// What managers tell each other about the disk.
extension SharedPage {
    /// Whether a write or a sync has failed, so that it is not known what the disk holds.
    ///
    /// While it is set, no manager answers, copies the log, starts it over, or closes the store normally. It outlives
    /// the processes that met the failure. Only a manager that has written everything again clears it, under the writer
    /// lock.
    var hasIOFailed: Bool {
        get { self[.suspect] != 0 }
        set { self[.suspect] = newValue ? 1 : 0 }
    }

    /// The first salt of the log's header, which changes each time the log is started over.
    ///
    /// Set under the writer lock, by the manager whose commit finds the log started over.
    var logSalt: UInt32 {
        get { UInt32(truncatingIfNeeded: self[.logSalt]) }
        set { self[.logSalt] = UInt64(newValue) }
    }

    /// The end of the log after the last commit of any manager.
    var logEnd: WALPoint { WALPoint(salt: logSalt, frames: logFrames) }

    /// The end of the log that was synced before the last answer of a manager.
    ///
    /// A log with this salt that has fewer valid frames has lost tasks that were acknowledged.
    var acknowledged: WALPoint {
        get { WALPoint(rawValue: self[.acknowledged]) }
        set { self[.acknowledged] = newValue.rawValue }
    }

    /// Raises ``acknowledged`` to a point that was just synced, unless the log was started over since then.
    func acknowledge(_ point: WALPoint) {
        while true {
            let old = acknowledged
            guard point.salt == logSalt, old.salt != point.salt || old.frames < point.frames else { return }
            if exchange(.acknowledged, old.rawValue, for: point.rawValue) { return }
        }
    }

    /// The threads of a manager that sync.
    enum SyncMark: CaseIterable {
        /// The event loop's, while it syncs the log.
        case sync

        /// The copier's, while it syncs the log, copies it into the database, and syncs that.
        case copy

        var word: SlotWord {
            switch self {
            case .sync: .syncMark
            case .copy: .copyMark
            }
        }
    }

    /// Marks that a manager is about to sync.
    ///
    /// If it dies before ``clear(_:of:)``, the log has to be written again from the point up to which it was known to
    /// be on the disk.
    func set(_ mark: SyncMark, of slot: Int) {
        let (salt, known) = (logSalt, acknowledged)
        let point = WALPoint(salt: salt, frames: (known.salt == salt ? known.frames : 0) + 1)
        beanrow_store(word(mark.word, of: slot), point.rawValue)
    }

    /// Removes a mark after success.
    func clear(_ mark: SyncMark, of slot: Int) {
        beanrow_store(word(mark.word, of: slot), 0)
        if mark == .sync { wakeWaiting(slot) }
    }

    /// Wakes the managers that wait until the event loop of the manager in a slot has synced.
    private func wakeWaiting(_ slot: Int) {
        guard beanrow_load(word(.syncIsAwaited, of: slot)) != 0 else { return }
        beanrow_store(word(.syncIsAwaited, of: slot), 0)
        beanrow_wake_waiting(word(.syncMark, of: slot))
    }

    /// Returns the points from which the log has to be written again if the manager in a slot has died; none if no mark
    /// is set.
    func marked(_ slot: Int) -> [WALPoint] {
        SyncMark.allCases.compactMap { mark in
            let value = beanrow_load(word(mark.word, of: slot))
            guard value != 0 else { return nil }
            var point = WALPoint(rawValue: value)
            point.frames -= 1
            return point
        }
    }

    /// Returns the slots with a mark except one: one bit per slot.
    func marks(except own: Int) -> UInt64 {
        var marked: UInt64 = 0
        var rest = usedSlots & ~(1 << UInt64(own))
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            if beanrow_load(word(.syncMark, of: slot)) | beanrow_load(word(.copyMark, of: slot)) != 0 {
                marked |= 1 << UInt64(slot)
            }
        }
        return marked
    }

    /// The slots that managers have taken and that were not freed since then: one bit per slot.
    ///
    /// Set under the writer lock. The other slots need not be read.
    var usedSlots: UInt64 { self[.usedSlots] }

    /// Counts a turn of the event loop of the manager in a slot.
    func countTurn(_ slot: Int) {
        beanrow_add(word(.turns, of: slot), 1)
    }

    /// Returns the number of turns of the event loop of the manager in a slot.
    func turns(_ slot: Int) -> UInt64 {
        beanrow_load(word(.turns, of: slot))
    }

    /// Prepares a slot for a manager that has just taken it.
    ///
    /// The writer lock is held, and the syncs that the marks of the slot's last manager ask for are done.
    func enter(_ slot: Int) {
        free(slot)
        self[.usedSlots] |= 1 << UInt64(slot)
        countTurn(slot)
    }

    /// Frees a slot, after its manager has left or its peers have cleaned up after it.
    ///
    /// The writer lock is held.
    func free(_ slot: Int) {
        setSubscriptions(0, of: slot)
        for mark in SyncMark.allCases { clear(mark, of: slot) }
        self[.usedSlots] &= ~(1 << UInt64(slot))
    }

    /// Resets the words about the log, after a manager that is alone has written everything again.
    ///
    /// The writer lock is held and no other manager lives. The clocks stay.
    ///
    /// - Parameter keepingMarks: whether the log still has to be written again because of the marks.
    func startOver(keepingMarks: Bool) {
        for word in [Word.logFrames, .blockedCheckpoint, .copyBegan, .copied] { self[word] = 0 }
        guard !keepingMarks else { return }
        for slot in 0..<Self.slots { free(slot) }
        hasIOFailed = false
    }
}
