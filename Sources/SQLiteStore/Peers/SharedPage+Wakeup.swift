import CPlatform

/// The tubes that managers subscribe to, and how they wake each other.
extension SharedPage {
    /// Returns the tubes that the manager in a slot subscribes to: one bit per 64th tube number.
    func subscriptions(of slot: Int) -> UInt64 {
        beanrow_load(word(.subscriptions, of: slot))
    }

    /// Sets the tubes that the manager in a slot subscribes to.
    func setSubscriptions(_ mask: UInt64, of slot: Int) {
        beanrow_store(word(.subscriptions, of: slot), mask)
    }

    /// Returns the slots whose managers subscribe to one of these tubes.
    ///
    /// The writer lock is held.
    ///
    /// - Parameters:
    ///   - mask: one bit per 64th tube number.
    ///   - own: a slot that is left out.
    /// - Returns: one bit per slot.
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

    /// Wakes the managers in some slots, unless they have a notification that they have not noticed yet.
    ///
    /// The writer lock need not be held. If a slot's manager has ended, nothing happens.
    ///
    /// - Parameter slots: one bit per slot.
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

    /// Makes the next notification wake the manager in a slot, which has noticed the earlier ones.
    func clearNotification(_ slot: Int) {
        beanrow_store(word(.isNotified, of: slot), 0)
    }

    /// Returns the number of notifications of the manager in a slot.
    func notifications(_ slot: Int) -> UInt64 {
        beanrow_load(word(.notifications, of: slot))
    }

    /// Sleeps until the manager in a slot is notified.
    ///
    /// - Parameters:
    ///   - slot: the slot.
    ///   - seen: the number of earlier notifications.
    /// - Returns: the number of notifications now.
    func waitForNotification(_ slot: Int, after seen: UInt64) -> UInt64 {
        while true {
            let notifications = self.notifications(slot)
            if notifications != seen { return notifications }
            beanrow_wait_for(word(.notifications, of: slot), seen, -1)
        }
    }
}
