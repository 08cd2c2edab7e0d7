import TaskStore

/// The tubes that sessions of this manager wait for, and the mask that peers see.
struct Awaited {
    /// Stands for a tube whose number may change while it is awaited, since nothing keeps its row: peers ring at any.
    private static let anyBit = 64

    private var bits: [TubeName: Int] = [:]
    private var counts = [Int](repeating: 0, count: anyBit + 1)

    /// A bit for each 64th tube number.
    private(set) var mask: UInt64 = 0

    /// Adds a tube.
    ///
    /// - Parameters:
    ///   - name: the tube's name.
    ///   - tube: the tube, if its row cannot go away while it is awaited.
    /// - Returns: whether it was not there before.
    mutating func insert(_ name: TubeName, _ tube: Tube?) -> Bool {
        guard bits[name] == nil else { return false }
        let bit = tube.map { Int($0.id & 63) } ?? Self.anyBit
        bits[name] = bit
        counts[bit] += 1
        if bit == Self.anyBit {
            mask = .max
        } else {
            mask |= 1 << UInt64(bit)
        }
        return true
    }

    /// Takes a tube out.
    mutating func remove(_ name: TubeName) {
        guard let bit = bits.removeValue(forKey: name) else { return }
        counts[bit] -= 1
        guard counts[bit] == 0 else { return }
        if counts[Self.anyBit] > 0 {
            mask = .max
        } else if bit == Self.anyBit {
            mask = (0..<Self.anyBit).reduce(0) { counts[$1] > 0 ? $0 | 1 << UInt64($1) : $0 }
        } else {
            mask &= ~(1 << UInt64(bit))
        }
    }
}
