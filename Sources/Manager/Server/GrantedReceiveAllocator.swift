internal import NIOCore

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
