internal import NIOCore

/// Chooses the size of read buffers by the bytes that arrived, up to the size that the connection was granted.
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

    private var size: Int { min(adaptive.nextBufferSize() ?? ReceiveGrant.least, grant.size, grant.mostBytes) }

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { allocator.buffer(capacity: size) }

    func nextBufferSize() -> Int? { size }

    mutating func record(actualReadBytes: Int) -> Bool {
        // A full buffer counts as one of the wanted size: otherwise a larger one would never be asked for.
        let wanted = adaptive.nextBufferSize() ?? 0
        let isFull = actualReadBytes >= size
        let mayGrow = adaptive.record(actualReadBytes: isFull ? wanted : actualReadBytes)
        if mayGrow { grant.grow(to: adaptive.nextBufferSize() ?? 0) }
        return mayGrow
    }
}
