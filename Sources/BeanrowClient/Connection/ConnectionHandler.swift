internal import BeanstalkWire
internal import NIOCore

/// Runs a ``RequestPipeline`` over a channel; lives on the channel's event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Pipeline = RequestPipeline<EventLoopPromise<RequestEnding>>

    private static let bytesAtOnce = 256 * 1024

    /// Whether the manager has let the connection take up a session, whose claims would outlive it.
    private(set) var hasSession = false

    private var pipeline: Pipeline
    private var replies = NIOSingleStepByteToMessageProcessor(ReplyDecoder())
    private let timeout: TimeAmount
    private let longestLeave: TimeAmount
    private var ended: (() -> Void)?
    private let address: ManagerAddress
    private var context: ChannelHandlerContext?
    private var lastProgress = NIODeadline.now()
    private var timeoutCheck: Scheduled<Void>?
    private var isLeaving = false

    init(address: ManagerAddress, limits: ManagerConnection.Limits) {
        self.address = address
        self.pipeline = Pipeline(limit: limits.commandsInFlight)
        self.timeout = TimeAmount(limits.requestTimeout)
        self.longestLeave = TimeAmount(limits.longestLeave)
    }

    /// Has something done when the connection ends, before the requests hear of it; at once if it has ended.
    func whenEnded(_ ended: @escaping () -> Void) {
        if context?.channel.isActive == true {
            self.ended = ended
        } else {
            ended()
        }
    }

    func submit(_ request: Pipeline.Request) {
        if let error = pipeline.submit(request) {
            request.sink.succeed(.notSent(error))
        } else {
            send()
        }
    }

    func cancel(_ id: Int) {
        switch pipeline.cancel(id) {
        case .nothing:
            break
        case .ended(let promise, let ending):
            promise.succeed(ending)
        case .mustClose:
            let error = ClientError(.cancelled, "the task was cancelled", address: address)
            if hasSession { leave(error) } else { end(error) }
        }
    }

    /// Ends all requests and closes the channel.
    func end(_ error: ClientError) {
        fail(error)
        context?.close(promise: nil)
    }

    private func fail(_ error: ClientError) {
        // Who is told that a request failed shall not be given this connection again.
        ended?()
        ended = nil
        timeoutCheck?.cancel()
        timeoutCheck = nil
        for (promise, ending) in pipeline.close(error) {
            promise.succeed(ending)
        }
    }

    /// Ends all requests, sends `quit`, and closes the channel once the manager has done so.
    ///
    /// What is claimed for this connection on its way here is given back too: the manager comes to the `quit` after all
    /// that was asked before, and does not let a reserve wait once nothing more can come.
    func leave(_ error: ClientError) {
        guard let context, context.channel.isActive, !isLeaving else { return end(error) }
        isLeaving = true
        fail(error)
        var bytes = context.channel.allocator.buffer(capacity: 6)
        bytes.writeCommand(.quit)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(bytes)).whenComplete { _ in channel.close(mode: .output, promise: nil) }
        // A manager that is not there any more shall not hold up who waits for the end.
        let patience = context.eventLoop.scheduleTask(in: longestLeave) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in patience.cancel() }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // Nobody tells of a close that happened before.
        if !context.channel.isActive {
            end(ClientError(.connectionLost, "the manager closed the connection", address: address))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isLeaving else { return }
        lastProgress = .now()
        do {
            try replies.process(buffer: unwrapInboundIn(data)) { reply in
                if case .session = reply { hasSession = true }
                switch pipeline.received(reply) {
                case .nothing: break
                case .ended(let promise, let ending): promise.succeed(ending)
                case .violation(let error): throw error
                }
            }
            send()
        } catch let error as ClientError {
            end(ClientError(error.code, error.message, address: address))
        } catch {
            end(ClientError(.protocolViolation, "the manager sent what is no answer (\(error))", address: address))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(ClientError(.connectionLost, "the manager closed the connection", address: address))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(ClientError(.connectionLost, "the connection broke (\(error))", address: address))
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        send()
        context.fireChannelWritabilityChanged()
    }

    // What the socket does not take stays in the pipeline: memory is bounded, and of what was not sent it is known.
    private func send() {
        guard let context, context.channel.isWritable, let first = pipeline.next() else { return }
        var bytes = context.channel.allocator.buffer(capacity: 256)
        var commands: [Command]? = first
        while let some = commands {
            for command in some {
                bytes.writeCommand(command)
            }
            commands = bytes.readableBytes < Self.bytesAtOnce ? pipeline.next() : nil
        }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
        if timeoutCheck == nil {
            lastProgress = .now()
            checkTimeout(context: context)
        }
        if bytes.readableBytes >= Self.bytesAtOnce {
            context.eventLoop.assumeIsolated().execute { self.send() }
        }
    }

    // One timer a connection, set again only when it fires: requests cost none.
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
