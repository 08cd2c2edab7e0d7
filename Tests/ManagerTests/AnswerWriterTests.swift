import NIOCore
import NIOPosix
import Testing

@testable import Manager

/// Answers on their way to a real socket: complete and in order, even if the socket takes few bytes at a time.
struct AnswerWriterTests {
    /// Far more than the sockets' buffers hold, so that the writer uses both ways many times.
    private static let answers = 3_000

    /// Returns 8 KB of one byte; the next answer has another byte.
    fileprivate static func answer(_ number: Int) -> ByteBuffer {
        ByteBuffer(repeating: UInt8(truncatingIfNeeded: number), count: 8_000)
    }

    @Test(arguments: [AnswerPath.socket, .pipeline])
    func `a client that reads late gets all answers in order`(_ path: AnswerPath) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let hasQueued = group.next().makePromise(of: Bool.self)
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Talker(answers: Self.answers, path, hasQueued))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let address = try #require(server.localAddress)
        let received = group.next().makePromise(of: ByteBuffer.self)
        let client = try await ClientBootstrap(group: group)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Listener(received))
                }
            }
            .connect(to: address)
            .get()
        // Only now, after the server has written all its answers and the sockets are full.
        try await client.setOption(.autoRead, value: true).get()
        var bytes = try await received.futureResult.get()

        #expect(try await hasQueued.futureResult.get(), "the sockets' buffers have held everything")
        #expect(bytes.readableBytes == (Self.answers + 1) * 8_000)
        for answer in 0...Self.answers {
            try #require(bytes.readSlice(length: 8_000) == Self.answer(answer), "answer \(answer)")
        }
        try await server.close()
        try await group.shutdownGracefully()
    }
}

extension AnswerWriterTests {
    /// Changes every byte on the way out, as encryption does.
    fileprivate final class Cipher: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let bytes = unwrapOutboundIn(data).readableBytesView.map { ~$0 }
            context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: promise)
        }
    }

    @Test func `with the pipeline's path no answer goes around a handler that encrypts`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let hasQueued = group.next().makePromise(of: Bool.self)
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Cipher())
                    try channel.pipeline.syncOperations.addHandler(Talker(answers: 200, .pipeline, hasQueued))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let received = group.next().makePromise(of: ByteBuffer.self)
        _ = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Listener(received))
                }
            }
            .connect(to: try #require(server.localAddress))
            .get()
        let bytes = try await received.futureResult.get()
        #expect(bytes.readableBytes == 201 * 8_000)
        for answer in 0...200 {
            let first = bytes.getInteger(at: bytes.readerIndex + answer * 8_000, as: UInt8.self)
            try #require(first == ~UInt8(truncatingIfNeeded: answer), "answer \(answer)")
        }
        _ = try await hasQueued.futureResult.get()
        try await server.close()
        try await group.shutdownGracefully()
    }
}

/// Writes all its answers as soon as a client has connected, a few at a time, and then closes.
private final class Talker: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answers: Int
    private let path: AnswerPath
    private let hasQueued: EventLoopPromise<Bool>
    private var next = 0
    private var mostQueued = 0

    init(answers: Int, _ path: AnswerPath, _ hasQueued: EventLoopPromise<Bool>) {
        self.answers = answers
        self.path = path
        self.hasQueued = hasQueued
    }

    func channelActive(context: ChannelHandlerContext) {
        talk(AnswerWriter(context, path), context.eventLoop)
    }

    private func talk(_ writer: AnswerWriter, _ eventLoop: any EventLoop) {
        // First without a pause, until the sockets are full.
        var said = 0
        while said < 7 || mostQueued == 0 {
            said += 1
            guard next < answers else {
                hasQueued.succeed(mostQueued > 0)
                return writer.writeAndClose(answer())
            }
            writer.write(answer())
            mostQueued = max(mostQueued, writer.queued)
        }
        eventLoop.assumeIsolated().execute { self.talk(writer, eventLoop) }
    }

    private func answer() -> ByteBuffer {
        defer { next += 1 }
        return AnswerWriterTests.answer(next)
    }
}

/// Collects what arrives until the connection is closed.
private final class Listener: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let received: EventLoopPromise<ByteBuffer>
    private var bytes = ByteBuffer()

    init(_ received: EventLoopPromise<ByteBuffer>) {
        self.received = received
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytes.writeImmutableBuffer(unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        received.succeed(bytes)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        received.fail(error)
    }
}
