internal import NIOCore

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

/// Sizes read buffers by what has come, within what the connection was granted.
struct GrantedReceiveAllocator: RecvByteBufferAllocator {
    private var adaptive = AdaptiveRecvByteBufferAllocator(
        minimum: 512,
        initial: ReceiveGrant.least,
        maximum: ReceiveGrant.most
    )
    private let grant: ReceiveGrant

    init(_ grant: ReceiveGrant) {
        self.grant = grant
    }

    private var size: Int { min(adaptive.nextBufferSize() ?? ReceiveGrant.least, grant.size) }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: size) }

    func nextBufferSize() -> Int? { size }

    mutating func record(actualReadBytes: Int) -> Bool {
        // A buffer that was full is taken for one of the size that was wanted, or it would never be asked for.
        let wanted = adaptive.nextBufferSize() ?? 0
        let isFull = actualReadBytes >= size
        let mayGrow = adaptive.record(actualReadBytes: isFull ? wanted : actualReadBytes)
        if mayGrow { grant.grow(to: adaptive.nextBufferSize() ?? 0) }
        return mayGrow
    }
}
