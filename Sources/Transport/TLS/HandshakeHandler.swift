internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import TaskStore

/// Keeps a channel's last handlers away until its handshake is complete.
///
/// SwiftNIO's handler passes `channelActive` on at once. A session must not begin before it is known that the client may
/// connect.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let handler: NIOSSLServerHandler
    private let connection: HandshakeGuard
    private let secured: TLSAcceptor.Secured

    init(_ handler: NIOSSLServerHandler, _ connection: HandshakeGuard, _ secured: @escaping TLSAcceptor.Secured) {
        self.handler = handler
        self.connection = connection
        self.secured = secured
    }

    func channelActive(context: ChannelHandlerContext) {}

    func channelInactive(context: ChannelHandlerContext) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? TLSUserEvent, case .handshakeCompleted = event else { return }
        do {
            let identity = try PeerIdentity(verified: handler.peerCertificate)
            guard connection.secure() else { return }
            try secured(identity, TLSConnection(end: connection))
            context.fireChannelActive()
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            connection.fail(.refused("\(error)"))
            connection.closeNow()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.fail(.refused(TransportFailure.text(error)))
    }
}
