import BeanstalkWire
import NIOCore

/// Decodes the commands of one connection of a ``FakeManager``, and sends the answers.
final class FakeManagerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let number: Int
    private let journal: Journal<FakeManager.Event>
    private let isBeanstalkd: Bool
    private let quit: @Sendable (Int) -> Void
    private let closed: @Sendable (Int) -> Void
    private let script: FakeManager.Script
    private var requests = NIOSingleStepByteToMessageProcessor(CommandDecoder(maximumBodySize: 65_535))

    init(
        number: Int,
        journal: Journal<FakeManager.Event>,
        isBeanstalkd: Bool,
        quit: @escaping @Sendable (Int) -> Void,
        closed: @escaping @Sendable (Int) -> Void,
        script: @escaping FakeManager.Script
    ) {
        self.isBeanstalkd = isBeanstalkd
        self.quit = quit
        self.closed = closed
        self.number = number
        self.journal = journal
        self.script = script
    }

    private static let extensions: Set<Verb> = [.session, .putUnique, .clearTube]

    func channelActive(context: ChannelHandlerContext) {
        journal.append(.connected(number))
    }

    func channelInactive(context: ChannelHandlerContext) {
        closed(number)
        journal.append(.closed(number))
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var answers = ByteBuffer()
        var hangsUp = false
        try? requests.process(buffer: unwrapInboundIn(data)) { request in
            guard !hangsUp else { return }
            switch request {
            case .refused(let reply, _):
                answers.writeReply(reply)
            case .command(.quit):
                quit(number)
                journal.append(.quit(number))
                hangsUp = true
            case .command(let command) where isBeanstalkd && Self.extensions.contains(command.verb):
                journal.append(.unknown(number, command.verb))
                answers.writeReply(.unknownCommand)
            case .command(let command):
                journal.append(.command(number, command))
                switch script(number, command) {
                case .answer(let reply): answers.writeReply(reply)
                case .silence: break
                case .hangUp: hangsUp = true
                }
            }
        }
        context.writeAndFlush(wrapOutboundOut(answers), promise: nil)
        if hangsUp { context.close(promise: nil) }
    }
}
