import CPlatform

/// Which tubes managers await, and how they wake each other.
extension SharedPage {
    /// The tubes that the manager in a slot awaits, a bit for each 64th number.
    func subscriptions(of slot: Int) -> UInt64 {
        beanrow_load(word(.subscriptions, of: slot))
    }

    /// Sets the tubes that the manager in a slot awaits.
    func setSubscriptions(_ mask: UInt64, of slot: Int) {
        beanrow_store(word(.subscriptions, of: slot), mask)
    }

    /// The slots whose managers await one of these tubes.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - mask: a bit for each 64th tube number.
    ///   - own: a slot that is left out.
    /// - Returns: a bit for each slot.
    func slots(subscribedTo mask: UInt64, except own: Int) -> UInt64 {
        guard mask != 0 else { return 0 }
        var slots: UInt64 = 0
        var rest = usedSlots & ~(1 << UInt64(own))
        while rest != 0 {
            let slot = rest.trailingZeroBitCount
            rest &= rest - 1
            if subscriptions(of: slot) & mask != 0 { slots |= 1 << UInt64(slot) }
        }
        return slots
    }

    /// Wakes the managers in some slots, unless they have been rung for and have not heard it yet.
    ///
    /// The writer lock need not be held. If a slot's manager has gone, nothing happens.
    ///
    /// - Parameter slots: a bit for each slot.
    func notify(slots: UInt64) {
        var rest = slots
        while rest != 0 {
            notify(rest.trailingZeroBitCount)
            rest &= rest - 1
        }
    }

    /// Wakes the manager in a slot.
    func notify(_ slot: Int) {
        guard beanrow_swap(word(.isNotified, of: slot), 1) == 0 else { return }
        beanrow_add(word(.notifications, of: slot), 1)
        beanrow_wake_waiting(word(.notifications, of: slot))
    }

    /// Has the next ring wake the manager in a slot: it has heard those before.
    func clearNotification(_ slot: Int) {
        beanrow_store(word(.isNotified, of: slot), 0)
    }

    /// How often the manager in a slot was rung for.
    func notifications(_ slot: Int) -> UInt64 {
        beanrow_load(word(.notifications, of: slot))
    }

    /// Sleeps until the manager in a slot is rung for.
    ///
    /// - Parameters:
    ///   - slot: the slot.
    ///   - seen: how often it had been.
    /// - Returns: how often it has been now.
    func waitForNotification(_ slot: Int, after seen: UInt64) -> UInt64 {
        while true {
            let rings = self.notifications(slot)
            if rings != seen { return rings }
            beanrow_wait_for(word(.notifications, of: slot), seen, -1)
        }
    }
}
