internal import BeanstalkWire
internal import NIOCore
internal import Transport

/// Runs a ``RequestPipeline`` over a channel, on the channel's event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Pipeline = RequestPipeline<EventLoopPromise<RequestResult>>

    private static let bytesPerWrite = 256 * 1024

    /// Whether the connection has attached a session, whose claims would outlive the connection.
    private(set) var hasSession = false

    private var pipeline: Pipeline
    private var replies = NIOSingleStepByteToMessageProcessor(ReplyDecoder())
    private let timeout: TimeAmount
    private let quitTimeout: TimeAmount
    private var ended: (() -> Void)?
    private let address: ManagerAddress
    private var context: ChannelHandlerContext?
    private var lastProgress = NIODeadline.now()
    private var timeoutCheck: Scheduled<Void>?
    private var isQuitting = false

    init(address: ManagerAddress, limits: ManagerConnection.Limits) {
        self.address = address
        self.pipeline = Pipeline(limit: limits.commandsInFlight)
        self.timeout = TimeAmount(limits.requestTimeout)
        self.quitTimeout = TimeAmount(limits.quitTimeout)
    }

    /// Calls a function when the connection ends, before the requests get their results.
    ///
    /// Calls it now if it has ended.
    func whenEnded(_ ended: @escaping () -> Void) {
        if context?.channel.isActive == true {
            self.ended = ended
        } else {
            ended()
        }
    }

    func submit(_ request: Pipeline.Request) {
        if let error = pipeline.submit(request) {
            request.promise.succeed(.notSent(error))
        } else {
            send()
        }
    }

    func cancel(_ id: Int) {
        switch pipeline.cancel(id) {
        case .nothing:
            break
        case .ended(let promise, let result):
            promise.succeed(result)
        case .mustClose:
            let error = ClientError(.cancelled, "the task was cancelled", address: address)
            if hasSession { quit(error) } else { end(error) }
        }
    }

    /// Ends all requests and closes the channel.
    func end(_ error: ClientError) {
        fail(error)
        context?.close(promise: nil)
    }

    private func fail(_ error: ClientError) {
        // A caller that learns that its request failed must not get this connection again.
        ended?()
        ended = nil
        timeoutCheck?.cancel()
        timeoutCheck = nil
        for (promise, result) in pipeline.close(error) {
            promise.succeed(result)
        }
    }

    /// Ends all requests and sends `quit`.
    ///
    /// Closes the channel when the manager has closed its end.
    ///
    /// The manager also releases tasks that are on their way to this connection: it handles `quit` after all commands
    /// before it, and it ends a waiting reserve when no more input can come.
    func quit(_ error: ClientError) {
        guard let context, context.channel.isActive, !isQuitting else { return end(error) }
        isQuitting = true
        fail(error)
        var bytes = context.channel.allocator.buffer(capacity: 6)
        bytes.writeCommand(.quit)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in channel.close(mode: .output, promise: nil) }
        // A manager that does not answer must not delay the close.
        let timeout = context.eventLoop.scheduleTask(in: quitTimeout) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in timeout.cancel() }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // There is no event for a close that happened before.
        if !context.channel.isActive {
            end(ClientError(.connectionLost, "the manager closed the connection", address: address))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isQuitting else { return }
        lastProgress = .now()
        do {
            try replies.process(buffer: unwrapInboundIn(data)) { reply in
                if case .session = reply { hasSession = true }
                switch pipeline.received(reply) {
                case .nothing: break
                case .ended(let promise, let result): promise.succeed(result)
                case .violation(let error): throw error
                }
            }
            send()
        } catch let error as ClientError {
            end(ClientError(error.code, error.message, address: address))
        } catch {
            end(
                ClientError(
                    .protocolViolation,
                    "the manager sent something that is no answer (\(error))",
                    address: address
                )
            )
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(ClientError(.connectionLost, "the manager closed the connection", address: address))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(ClientError(.connectionLost, "the connection broke (\(TransportFailure.text(error)))", address: address))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        send()
        context.fireChannelWritabilityChanged()
    }

    // Commands that the socket does not accept stay in the pipeline. So memory is bounded, and it is known that they
    // were not sent.
    private func send() {
        guard let context, context.channel.isWritable, let first = pipeline.next() else { return }
        var bytes = context.channel.allocator.buffer(capacity: 256)
        var commands: [Command]? = first
        while let some = commands {
            for command in some {
                bytes.writeCommand(command)
            }
            commands = bytes.readableBytes < Self.bytesPerWrite ? pipeline.next() : nil
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        if timeoutCheck == nil {
            lastProgress = .now()
            checkTimeout(context: context)
        }
        if bytes.readableBytes >= Self.bytesPerWrite {
            context.eventLoop.assumeIsolated().execute { self.send() }
        }
    }

    // One timer per connection, which is set again only when it fires. Requests set no timers.
    private func checkTimeout(context: ChannelHandlerContext) {
        timeoutCheck = nil
        guard pipeline.isAwaiting else { return }
        var deadline = NIODeadline.now() + timeout
        if let seconds = pipeline.secondsToWait {
            deadline = lastProgress + timeout + .seconds(Int64(seconds))
        }
        guard deadline > .now() else {
            return end(ClientError(.timedOut, "the manager did not answer in time", address: address))
        }
        timeoutCheck = context.eventLoop.assumeIsolated()
            .scheduleTask(deadline: deadline) {
                self.checkTimeout(context: context)
            }
    }
}
