internal import NIOCore
internal import NIOPosix

/// A descriptor that the event loop watches among its sockets; what comes is thrown away, and the fact told.
final class Signal: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let onSignal: () -> Void
    private let onEnd: () -> Void

    private init(_ onSignal: @escaping () -> Void, _ onEnd: @escaping () -> Void) {
        self.onSignal = onSignal
        self.onEnd = onEnd
    }

    /// Watches a descriptor.
    ///
    /// - Parameters:
    ///   - descriptor: of a pipe or the like, not blocking; closed with the event loop.
    ///   - eventLoop: the caller is on it.
    ///   - bootstrap: of the same event loop.
    ///   - onSignal: called on it when the descriptor was readable.
    ///   - onEnd: called on it when the descriptor is not watched any more, whatever the reason.
    static func watch(
        _ descriptor: Int32,
        on eventLoop: any EventLoop,
        _ bootstrap: NIOPipeBootstrap,
        onSignal: @escaping () -> Void,
        onEnd: @escaping () -> Void
    ) {
        let signal = NIOLoopBound(Signal(onSignal, onEnd), eventLoop: eventLoop)
        bootstrap
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(signal.value) }
            }
            .takingOwnershipOfDescriptor(input: descriptor)
            .whenFailure { _ in
                close(descriptor)
                signal.value.onEnd()
            }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        onSignal()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        onEnd()
    }
}
