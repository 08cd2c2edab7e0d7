internal import DequeModule

/// Decides when the handshakes of one event loop continue, and how many there may be.
///
/// A handshake costs the event loop about a millisecond if the key is RSA. So the steps are counted: only a few are done
/// before the event loop serves its other connections again. It has no clock and does no I/O.
struct HandshakeQueue<ID: Hashable> {
    /// Whether a step is done now.
    enum Turn: Equatable {
        /// Now.
        case now

        /// In a later pass, see ``HandshakeQueue/nextPass()``.
        case later
    }

    /// The most handshakes at the same time.
    let most: Int

    /// The most steps per pass.
    let stepsPerPass: Int

    /// The handshakes, with the order in which they began.
    private var order: [ID: Int] = [:]

    /// The handshakes in the order in which they began, with some that have ended.
    private var byAge: Deque<(id: ID, number: Int)> = []

    private var waiting: Deque<ID> = []
    private var isWaiting: Set<ID> = []
    private var number = 0
    private var stepsLeft: Int

    init(most: Int, stepsPerPass: Int) {
        self.most = max(1, most)
        self.stepsPerPass = max(1, stepsPerPass)
        stepsLeft = self.stepsPerPass
    }

    /// The number of handshakes.
    var count: Int { order.count }

    /// The number of entries that are kept, with those of handshakes that have ended.
    var remembered: Int { byAge.count + waiting.count }

    /// Adds a handshake that begins.
    ///
    /// - Returns: the oldest one, if it has to end because there are too many; `nil` if there is room.
    mutating func begin(_ id: ID) -> ID? {
        let oldest = order.count < most ? nil : removeOldest()
        number += 1
        order[id] = number
        byAge.append((id, number))
        return oldest
    }

    /// Removes a handshake that has ended.
    mutating func end(_ id: ID) {
        order[id] = nil
        isWaiting.remove(id)
        while let first = byAge.first, order[first.id] != first.number { byAge.removeFirst() }
        // Most handshakes end before older ones that wait for their clients.
        if byAge.count > 2 * order.count + 64 { byAge.removeAll { order[$0.id] != $0.number } }
    }

    /// Asks for a step of a handshake: bytes of its client have arrived.
    mutating func wantsStep(_ id: ID) -> Turn {
        guard !isWaiting.contains(id) else { return .later }
        guard stepsLeft > 0, waiting.isEmpty else {
            waiting.append(id)
            isWaiting.insert(id)
            return .later
        }
        stepsLeft -= 1
        return .now
    }

    /// Whether steps were done since the last pass, or wait for the next one.
    var needsPass: Bool { stepsLeft < stepsPerPass || !waiting.isEmpty }

    /// Begins the next pass.
    ///
    /// - Returns: the handshakes whose turn it is.
    mutating func nextPass() -> [ID] {
        stepsLeft = stepsPerPass
        var next: [ID] = []
        while stepsLeft > 0, let id = waiting.popFirst() {
            guard isWaiting.remove(id) != nil else { continue }
            stepsLeft -= 1
            next.append(id)
        }
        return next
    }

    private mutating func removeOldest() -> ID? {
        while let first = byAge.popFirst() {
            guard order[first.id] == first.number else { continue }
            end(first.id)
            return first.id
        }
        return nil
    }
}
