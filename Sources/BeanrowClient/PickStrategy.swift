/// Which of several managers is asked next.
public enum PickStrategy: String, Sendable, Hashable, CaseIterable {
    /// One after the other, beginning anywhere.
    case roundRobin = "round-robin"

    /// Any of them, each time anew.
    case random

    /// The same as before for as long as it works, then the next one; the first is any of them.
    case stay
}

/// The state of a ``PickStrategy``: says in which order to try the managers.
struct ManagerPicker: Sendable {
    private let count: Int
    private let strategy: PickStrategy
    private var next: Int

    /// Begins with the manager numbered `first`.
    ///
    /// - Parameters:
    ///   - count: how many managers there are.
    ///   - strategy: how to go on.
    ///   - first: 0 to `count` − 1; of no meaning where there is none.
    init(count: Int, strategy: PickStrategy, first: Int) {
        self.count = count
        self.strategy = strategy
        self.next = first
    }

    /// The managers in the order in which to try them for one request: the picked one, then those after it.
    ///
    /// - Parameter random: a function that gives a number from 0 to its argument − 1.
    /// - Returns: every manager once.
    mutating func order(random: (Int) -> Int) -> [Int] {
        guard count > 0 else { return [] }
        let first: Int
        switch strategy {
        case .stay:
            first = next
        case .roundRobin:
            first = next
            next = (next + 1) % count
        case .random:
            first = random(count)
        }
        return (0..<count).map { (first + $0) % count }
    }

    /// Says that a connection to a manager was lost, so that the next request begins elsewhere.
    mutating func lost(_ index: Int) {
        if strategy == .stay && next == index {
            next = (next + 1) % count
        }
    }

    /// Says which manager did the work, so that the next request begins there where the strategy is to stay.
    mutating func worked(_ index: Int) {
        if strategy == .stay {
            next = index
        }
    }
}
