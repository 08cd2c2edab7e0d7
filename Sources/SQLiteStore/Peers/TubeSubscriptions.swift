import TaskStore

/// The tubes that sessions of this manager wait for, and the bits by which peers know them.
struct TubeSubscriptions {
    /// The bit of tubes whose numbers may change during the subscription, since nothing keeps their rows: peers notify
    /// of every tube.
    static let anyBit = TubeNotifications.bits

    private var bits: [TubeName: Int] = [:]
    private var names: [Int: Set<TubeName>] = [:]
    private var counts = [Int](repeating: 0, count: 64)

    /// One bit per 64th tube number, for ``SharedPage``.
    private(set) var mask: UInt64 = 0

    var isEmpty: Bool { bits.isEmpty }

    /// The tubes.
    var tubes: some Collection<TubeName> { bits.keys }

    /// Returns the tubes with a bit.
    func tubes(of bit: Int) -> Set<TubeName> { names[bit] ?? [] }

    /// Returns the bit of a tube, or nil if there is no subscription to it.
    func bit(of name: TubeName) -> Int? { bits[name] }

    /// Adds a tube.
    ///
    /// - Parameters:
    ///   - name: the tube's name.
    ///   - tube: the tube, if its row cannot be removed during the subscription.
    /// - Returns: false if it is there already.
    mutating func insert(_ name: TubeName, _ tube: Tube?) -> Bool {
        guard bits[name] == nil else { return false }
        let bit = tube.map { TubeNotifications.bit($0.id) } ?? Self.anyBit
        bits[name] = bit
        names[bit, default: []].insert(name)
        if bit != Self.anyBit { counts[bit % 64] += 1 }
        updateMask(bit)
        return true
    }

    /// Removes a tube.
    ///
    /// - Returns: its bit, if no other tube has it now.
    @discardableResult
    mutating func remove(_ name: TubeName) -> Int? {
        guard let bit = bits.removeValue(forKey: name) else { return nil }
        names[bit]?.remove(name)
        if bit != Self.anyBit { counts[bit % 64] -= 1 }
        guard names[bit]?.isEmpty == true else { return nil }
        names[bit] = nil
        updateMask(bit)
        return bit
    }

    private mutating func updateMask(_ bit: Int) {
        if names[Self.anyBit] != nil {
            mask = .max
        } else if bit == Self.anyBit {
            mask = (0..<64).reduce(0) { counts[$1] > 0 ? $0 | 1 << UInt64($1) : $0 }
        } else if counts[bit % 64] > 0 {
            mask |= 1 << UInt64(bit % 64)
        } else {
            mask &= ~(1 << UInt64(bit % 64))
        }
    }
}
