/// The size that one connection's read buffer may have.
///
/// An idle channel keeps its buffer, so the sizes of all buffers have to be bounded. The first connections that send
/// much get large buffers; the others read less at a time.
///
/// Unchecked, since it is confined to the channel's event loop, like the budget. The protocol of allocators requires
/// them to be sendable.
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

    /// The most bytes that the connection may read at a time now.
    var mostBytes: Int { budget.mostReceiveBytes }

    /// Grants a size, if there is room for it.
    func grow(to wanted: Int) {
        guard wanted > size, budget.takeReceiveBytes(wanted - size) else { return }
        size = wanted
    }

    /// Returns the room of a connection that is gone.
    func end() {
        budget.returnReceiveBytes(size - Self.least)
        size = Self.least
    }
}
