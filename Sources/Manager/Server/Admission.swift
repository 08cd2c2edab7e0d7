internal import Logging
internal import NIOCore

/// Lets connections in, as many as may be, and turns the others away with an answer.
///
/// Confined to the event loop.
final class Admission {
    private let maximum: Int
    private let logger: Logger
    private var admitted = 0
    private var leaving = 0
    private var refused = 0
    private var lastReport: NIODeadline?

    /// Makes the gate.
    ///
    /// - Parameters:
    ///   - maximum: connections at a time.
    ///   - logger: for who wonders why clients cannot connect.
    init(maximum: Int, logger: Logger) {
        self.maximum = maximum
        self.logger = logger
    }

    /// Whether a connection that was just accepted may stay; it counts until the channel is closed.
    func admit(_ channel: any Channel) -> Bool {
        guard admitted < maximum else {
            refused += 1
            report()
            return false
        }
        admitted += 1
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.admitted -= 1 }
        return true
    }

    /// What answers a connection that may not stay.
    func refusal(_ channel: any Channel) -> RefusalHandler {
        // Those beyond get no time to read their answer, or they would be as many as one likes.
        guard leaving < Self.leavingAtMost else { return RefusalHandler(patience: .zero) }
        leaving += 1
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.leaving -= 1 }
        return RefusalHandler(patience: .seconds(1))
    }

    /// Connections that are being turned away at a time; ``DescriptorLimit`` leaves room for them.
    static let leavingAtMost = 64

    private func report() {
        let now = NIODeadline.now()
        if let lastReport, now < lastReport + .seconds(60) { return }
        lastReport = now
        logger.warning(
            "connections are refused: there are as many as may be",
            metadata: ["connections": "\(admitted)", "refused": "\(refused)"]
        )
    }
}

/// Answers a connection that may not stay, and closes it.
///
/// Closing a socket that has unread bytes takes the answer back, so the client is given a moment to read it and go.
final class RefusalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let patience: TimeAmount

    init(patience: TimeAmount) {
        self.patience = patience
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        // What a client that cannot be served now is told by beanstalkd too (protocol.txt, "OUT_OF_MEMORY").
        let answer = context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "OUT_OF_MEMORY\r\n")))
        guard patience > .zero else { return answer.whenComplete { _ in channel.close(promise: nil) } }
        answer.whenComplete { _ in channel.close(mode: .output, promise: nil) }
        let timer = context.eventLoop.scheduleTask(in: patience) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in timer.cancel() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
