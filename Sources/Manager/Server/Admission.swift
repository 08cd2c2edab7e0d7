internal import Logging
internal import NIOCore

/// Accepts connections up to the limit, and refuses the others with an answer.
///
/// Confined to the event loop.
final class Admission {
    private let maximum: Int
    private let logger: Logger
    private var admitted = 0
    private var leaving = 0
    private var refused = 0
    private var lastReport: NIODeadline?

    /// Makes an admission without connections.
    ///
    /// - Parameters:
    ///   - maximum: the most connections at the same time.
    ///   - logger: for warnings about refused clients.
    init(maximum: Int, logger: Logger) {
        self.maximum = maximum
        self.logger = logger
    }

    /// Returns whether a connection that was just accepted may stay.
    ///
    /// It counts until the channel is closed.
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

    /// Returns the handler that answers a connection that may not stay.
    func refusal(_ channel: any Channel) -> RefusalHandler {
        // Connections beyond this number get no time to read their answer: otherwise their number would have no limit.
        guard leaving < Self.leavingAtMost else { return RefusalHandler(patience: .zero) }
        leaving += 1
        channel.closeFuture.assumeIsolated().whenComplete { _ in self.leaving -= 1 }
        return RefusalHandler(patience: .seconds(1))
    }

    /// The most connections that are being refused at the same time; ``DescriptorLimit`` leaves room for them.
    static let leavingAtMost = 64

    private func report() {
        let now = NIODeadline.now()
        if let lastReport, now < lastReport + .seconds(60) { return }
        lastReport = now
        logger.warning(
            "connections are refused: the limit is reached",
            metadata: ["connections": "\(admitted)", "refused": "\(refused)"]
        )
    }
}

/// Answers a connection that may not stay, and closes it.
///
/// If a socket with unread bytes is closed, the answer is lost. So the client gets a moment to read it and to close.
final class RefusalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let patience: TimeAmount

    init(patience: TimeAmount) {
        self.patience = patience
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        // beanstalkd gives the same answer to a client that it cannot serve now (protocol.txt, "OUT_OF_MEMORY").
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
