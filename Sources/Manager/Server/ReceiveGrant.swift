/// How large one connection's read buffer may become.
///
/// The channel keeps its buffer while it is idle, so the sizes of all of them have to be bounded: the first connections that
/// send much get large ones, the others read a little at a time.
///
/// Unchecked since it is confined to the channel's event loop, like the budget, though the protocol of allocators wants them
/// to be sendable.
final class ReceiveGrant: @unchecked Sendable {
    /// The size that every connection gets.
    static let least = 2048

    /// The largest size.
    static let most = 65536

    private let budget: MemoryBudget

    /// The size that the connection may have.
    private(set) var size = least

    init(_ budget: MemoryBudget) {
        self.budget = budget
    }

    /// Grants a size, if there is room for it.
    func grow(to wanted: Int) {
        guard wanted > size, budget.takeReceiveBytes(wanted - size) else { return }
        size = wanted
    }

    /// The connection is gone.
    func end() {
        budget.returnReceiveBytes(size - Self.least)
        size = Self.least
    }
}
