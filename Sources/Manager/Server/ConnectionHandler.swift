internal import Access
internal import BeanstalkWire
internal import NIOCore
internal import TaskStore
internal import Transport

/// One connection: decodes its bytes to requests, and encodes its session's replies.
///
/// Reading stops while the session has more to do than ``ManagerConfiguration/queueLimits`` allow. No commands are
/// begun while the client does not read its answers. So a connection's memory is bounded, whatever the client does.
/// Confined to the channel's event loop, which is the engine's.
final class ConnectionHandler: ChannelDuplexHandler, SessionConnection {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let engine: Engine
    private var decoder: CommandDecoder
    private(set) var session: Session?
    private var context: ChannelHandlerContext?
    private var writer: AnswerWriter?

    /// The bytes that are not a whole request yet.
    private var input: ByteBuffer?

    /// The memory that the budget counts for this connection.
    private var held = MemoryBudget.Held()
    private var holdsSomething = false

    /// When the present body began to arrive.
    private var bodySince: ContinuousClock.Instant?

    /// See ``SessionConnection/unreadSince``.
    private(set) var unreadSince: ContinuousClock.Instant?

    private var progress = CommandProgress()
    private var isSuspended = false

    /// How many reads have followed since reading was stopped.
    private var readsAfterStop = 0
    private var isResumeAsked = false
    private var isReadPending = false
    private var isInputClosed = false

    let origin: ConnectionOrigin

    private let answerPath: AnswerPath
    private let principal: Principal?

    /// The connection's TLS, if it has any.
    private let tls: TLSConnection?

    init(
        engine: Engine,
        answerPath: AnswerPath,
        origin: ConnectionOrigin,
        principal: Principal? = nil,
        tls: TLSConnection? = nil
    ) {
        self.engine = engine
        self.answerPath = answerPath
        self.origin = origin
        self.principal = principal
        self.tls = tls
        self.decoder = CommandDecoder(maximumBodySize: engine.configuration.maximumTaskSize)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        writer = AnswerWriter(context, answerPath)
        // Not weak: an object with weak references counts all its references in a slower way, which costs 250
        // instructions per command. The cycle ends with the connection.
        writer?.onWritten = { self.answersWereTaken() }
        session = engine.open(self, principal)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let session { engine.close(session) }
        session = nil
        writer?.onWritten = nil
        writer = nil
        input = nil
        decoder.discardBody()
        settle()
        self.context = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard session != nil, !isInputClosed else { return }
        let bytes = unwrapInboundIn(data)
        progress.received(bytes.readableBytes)
        if input == nil {
            input = bytes
        } else {
            input?.writeImmutableBuffer(bytes)
        }
        if isSuspended { readsAfterStop += 1 }
        takeRequests()
        if readsAfterStop > Self.mostReadsAfterStop, engine.memory.hasFarTooManyCommands {
            engine.closeUnstoppable(self)
        }
    }

    private func takeRequests() {
        guard let session, var buffer = input else { return }
        input = nil  // The decoder works on the only reference, so nothing is copied when the buffer grows.
        while session.closing == .open, !isOverloaded, let request = try? decoder.decode(buffer: &buffer) {
            progress.completed()
            engine.receive(consume request, from: session)
        }
        if session.closing == .open {
            if buffer.readableBytes > 0 { keep(buffer) }
            if isOverloaded { suspend() }
        }
        if holdsSomething || isWorthCounting(session) { settle() }
    }

    /// Returns whether the budget has to count something.
    ///
    /// In the most frequent case, one whole command, it has not.
    private func isWorthCounting(_ session: Session) -> Bool {
        decoder.isMidCommand || input != nil || session.queue.count > 1
            || session.queue.bytes > MemoryBudget.bodiesAllowed
            || session.watchedTubes.count > MemoryBudget.watchesAllowed
    }

    /// Keeps the bytes of an incomplete command, without spare room.
    private func keep(_ buffer: consuming ByteBuffer) {
        let count = buffer.readableBytes
        if buffer.capacity > 2 * count + Self.smallBuffer {
            input = context?.channel.allocator.buffer(buffer: buffer)
        } else {
            buffer.discardReadBytes()
            input = buffer
        }
    }

    private static let smallBuffer = 256

    /// The reads that may still follow when reading stops: SwiftNIO reads up to four times in a row.
    private static let mostReadsAfterStop = 3

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            isInputClosed = true
            finishIfTaken()
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// Ends the session of a client that sends no more, once all its commands are in the queue.
    private func finishIfTaken() {
        guard isInputClosed, !isSuspended, let session else { return }
        engine.finish(session)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abort()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if let session {
            engine.setCongested(isCongested(context.channel), session)
        }
        context.fireChannelWritabilityChanged()
    }

    private func isCongested(_ channel: any Channel) -> Bool {
        guard let writer, writer.queued > 0 else { return !channel.isWritable }
        // Many short answers take more memory than their bytes.
        let mostQueued = engine.configuration.limits.unreadBytes / AnswerWriter.overhead
        return !channel.isWritable || writer.queued > mostQueued || engine.memory.isUnreadScarce
    }

    /// Continues after the channel has written answers that waited.
    private func answersWereTaken() {
        guard let writer, let context, let session else { return }
        if writer.queued == 0 { unreadSince = nil }
        settle()
        guard session.isCongested, !isCongested(context.channel) else { return }
        engine.setCongested(false, session)
    }

    // Bounds.

    func checkProgress() -> Bool {
        let isOpen = session?.closing == .open && !isInputClosed && !isSuspended
        return progress.isStalled(isMidCommand: isOpen && (input != nil || decoder.isMidCommand))
    }

    private var isOverloaded: Bool {
        guard let session else { return false }
        let limits = engine.configuration.queueLimits
        if session.queue.count >= limits.commands || session.queue.bytes >= limits.bytes { return true }
        guard !session.queue.isEmpty else { return false }
        // What this connection has taken since its memory was counted.
        let added = session.queue.count * MemoryBudget.bytesOfCommand - held.commands
        return engine.memory.hasTooManyCommands(with: added)
            || session.queue.bytes > 0 && engine.memory.hasTooManyBodies
    }

    private func suspend() {
        guard !isSuspended else { return }
        isSuspended = true
        askToResume()
    }

    /// Has the engine call ``resumeReading()`` at the end of the turn.
    private func askToResume() {
        guard !isResumeAsked else { return }
        isResumeAsked = true
        engine.didSuspend(self)
    }

    func read(context: ChannelHandlerContext) {
        if isSuspended {
            isReadPending = true
        } else {
            context.read()
        }
    }

    func resumeReading() {
        isResumeAsked = false
        guard let session else { return }
        if isOverloaded {
            // The commands of a session that is blocked wait for an answer, after which it asks again. If it asked after
            // each turn, each turn would cost more with each such session.
            if !session.isBlocked { askToResume() }
            return
        }
        isSuspended = false
        readsAfterStop = 0
        takeRequests()
        guard !isSuspended else { return }
        finishIfTaken()
        guard isReadPending, let context else { return }
        isReadPending = false
        context.read()
    }

    // Answers.

    func sendReplies() {
        guard let session, let writer else { return }
        if isSuspended { askToResume() }
        // The only reference, so that nothing is copied when it grows.
        var output = ByteBuffer()
        swap(&output, &engine.output)
        output.clear()
        for reply in session.replies { output.writeReply(reply) }
        session.noteSize(ofAnswers: output.readableBytes)
        session.forgetReplies(keepingRoomFor: Self.keptReplies)
        if session.closing == .now {
            writer.writeAndClose(output, tls)
        } else {
            writer.write(output)
        }
        if output.capacity <= Self.keptCapacity { engine.output = output }
        guard holdsSomething || writer.queued > 0 || session.claims.count > MemoryBudget.claimsAllowed else { return }
        noteUnread()
        settle()
    }

    /// The most room that the engine's buffer for answers keeps.
    private static let keptCapacity = 256 * 1024

    /// The number of answers for which a session keeps room.
    private static let keptReplies = 16

    private func noteUnread() {
        guard let writer, let session, let context, writer.queued > 0 else { return }
        if unreadSince == nil { unreadSince = .now }
        if !session.isCongested, isCongested(context.channel) { engine.setCongested(true, session) }
    }

    // Memory.

    func updateMemory() { settle() }

    /// Updates what the budget counts for the connection.
    private func settle() {
        session?.releaseRoom()
        let now = keeps
        guard now != held else { return }
        let isMore = now.bodies > held.bodies || now.unread > held.unread
        engine.memory.change(from: held, to: now)
        held = now
        holdsSomething = now != MemoryBudget.Held()
        if isMore { engine.checkMemory(after: self) }
    }

    private var keeps: MemoryBudget.Held {
        guard let session else { return MemoryBudget.Held() }
        var held = MemoryBudget.Held()
        let arriving = decoder.heldMemory
        if arriving == 0 { bodySince = nil } else if bodySince == nil { bodySince = .now }
        held.bodies = max(0, arriving + session.queue.bytes - MemoryBudget.bodiesAllowed)
        held.commands = max(0, session.queue.count - 1) * MemoryBudget.bytesOfCommand
        if let input, input.capacity > ReceiveGrant.least { held.commands += input.capacity }
        held.watches = max(0, session.watchedTubes.count - MemoryBudget.watchesAllowed) * MemoryBudget.bytesOfWatch
        held.claims = max(0, session.claims.count - MemoryBudget.claimsAllowed) * MemoryBudget.bytesOfClaim
        held.unread = max(0, (writer?.queuedMemory ?? 0) - MemoryBudget.unreadAllowed)
        return held
    }

    func speedOfBodies(at now: ContinuousClock.Instant) -> Double? {
        guard let session, held.bodies > 0 else { return nil }
        if session.queue.bytes > 0, session.isBlocked { return 0 }
        guard let bodySince, decoder.heldMemory > 0 else { return nil }
        return Double(decoder.heldMemory) / max(1e-6, bodySince.duration(to: now) / .seconds(1))
    }

    func discardBodies() {
        guard let session else { return }
        decoder.discardBody()
        if session.isBlocked { session.queue.refuseBodies() }
        settle()
    }

    func leave() {
        guard let session else { return }
        isInputClosed = true
        input = nil
        engine.leave(session)
    }

    func abort() {
        // TLS would first wait until the client has read everything.
        if let tls { tls.closeNow() } else { context?.close(promise: nil) }
    }

    func expel(unlessIn list: AccessList) {
        guard let session, let principal = session.principal,
            list.principal(principal.credential)?.name != principal.name
        else { return }
        // The principal may have other credentials, with which it continues its named session.
        if !list.contains(principal.name) { session.endNamedSession() }
        abort()
    }

    func loseClaims() {
        session?.claims = SessionClaims()
        settle()
    }
}
