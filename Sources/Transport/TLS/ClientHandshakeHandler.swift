internal import NIOCore
internal import NIOTLS

/// Waits for the handshake of a client's channel.
final class ClientHandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let promise: EventLoopPromise<Void>
    private var isDone = false

    init(_ promise: EventLoopPromise<Void>) {
        self.promise = promise
    }

    func wait(_ channel: any Channel, timeout: TimeAmount) -> EventLoopFuture<Void> {
        let timer = channel.eventLoop.assumeIsolated()
            .scheduleTask(in: timeout) {
                self.finish(.failure(TransportError("no answer to the TLS handshake")))
            }
        let future = promise.futureResult
        future.assumeIsolated()
            .whenComplete { result in
                timer.cancel()
                if case .failure = result { channel.close(promise: nil) }
            }
        return future
    }

    private func finish(_ result: Result<Void, TransportError>) {
        guard !isDone else { return }
        isDone = true
        promise.completeWith(result.mapError { $0 as any Error })
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        finish(.failure(TransportError("the connection was closed")))
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(.failure(TransportError("the manager closed the connection during the TLS handshake")))
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event { finish(.success(())) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isDone else { return context.fireErrorCaught(error) }
        finish(.failure(TransportError("TLS: \(TransportFailure.text(error))")))
    }
}
