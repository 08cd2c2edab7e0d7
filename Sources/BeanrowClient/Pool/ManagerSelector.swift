/// Decides in which order a request tries the managers, by a ``ManagerSelection``.
struct ManagerSelector: Sendable {
    private let count: Int
    private let selection: ManagerSelection
    private var next: Int

    /// Creates a selector.
    ///
    /// - Parameters:
    ///   - count: the number of managers.
    ///   - selection: the rule.
    ///   - first: the manager to start with, from 0 to `count` − 1. Ignored if there are no managers.
    init(count: Int, selection: ManagerSelection, first: Int) {
        self.count = count
        self.selection = selection
        self.next = first
    }

    /// Returns the managers in the order in which one request tries them: the selected one, then those after it.
    ///
    /// - Parameter random: returns a number from 0 to its argument − 1.
    /// - Returns: each manager once.
    mutating func order(random: (Int) -> Int) -> [Int] {
        guard count > 0 else { return [] }
        let first: Int
        switch selection {
        case .sticky:
            first = next
        case .roundRobin:
            first = next
            next = (next + 1) % count
        case .random:
            first = random(count)
        }
        return (0..<count).map { (first + $0) % count }
    }

    /// Records that a connection to a manager was lost.
    ///
    /// With ``ManagerSelection/sticky`` the next one is used then.
    mutating func lost(_ index: Int) {
        if selection == .sticky && next == index {
            next = (next + 1) % count
        }
    }

    /// Records that a manager carried out a request.
    ///
    /// With ``ManagerSelection/sticky`` it gets the next one too.
    mutating func worked(_ index: Int) {
        if selection == .sticky {
            next = index
        }
    }
}
