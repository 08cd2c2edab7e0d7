internal import Logging
internal import NIOCore

/// Accepts no connections for a while after an attempt failed, for example because the process has no free descriptors.
///
/// The listening socket stays readable after a failure, so the event loop would try again at once, without end. During
/// the pause clients wait in the kernel's queue. Confined to the listening channel's event loop.
final class AcceptBackoff: ChannelInboundHandler {
    typealias InboundIn = any Channel
    typealias InboundOut = any Channel

    private let logger: Logger
    private var pause = AcceptPause()
    private var timer: Scheduled<Void>?

    /// - Parameter logger: gets the reason why clients cannot connect.
    init(logger: Logger) {
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let failures = pause.accepted() {
            logger.notice("connections are accepted again", metadata: ["attempts": "\(failures)"])
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let delay = pause.failed()
        if pause.isFirst {
            logger.error("connections cannot be accepted; trying again", metadata: ["reason": "\(error)"])
        }
        guard timer == nil else { return }
        // There is no other way to stop the event loop from trying again for the waiting client.
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
        let channel = context.channel
        timer = context.eventLoop.assumeIsolated()
            .scheduleTask(in: .nanoseconds(delay.nanoseconds)) {
                self.timer = nil
                try? channel.syncOptions?.setOption(.autoRead, value: true)
            }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }
}

/// How long to wait before the next attempt to accept a connection.
struct AcceptPause {
    private static let first = Duration.milliseconds(20)
    private static let longest = Duration.seconds(1)

    private var failures = 0
    private var next = first

    /// Whether the last attempt was the first that failed.
    var isFirst: Bool { failures == 1 }

    /// Notes an attempt that failed.
    ///
    /// - Returns: how long to wait; the time grows with each failure.
    mutating func failed() -> Duration {
        failures += 1
        defer { next = min(next * 2, Self.longest) }
        return next
    }

    /// Notes an accepted connection.
    ///
    /// - Returns: the number of attempts that failed before it; `nil` if none did.
    mutating func accepted() -> Int? {
        guard failures > 0 else { return nil }
        defer { self = AcceptPause() }
        return failures
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
