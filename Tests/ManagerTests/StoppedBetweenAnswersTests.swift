import NIOCore
import NIOEmbedded
import Synchronization
import TaskStore
import Testing

@testable import Manager
@testable import StoreTesting

/// A process that is stopped between two writes of the same turn.
@Suite struct StoppedBetweenAnswersTests {
    /// Runs a closure when the first answer of a channel is written, as if the process had been stopped there.
    private final class Stop: ChannelOutboundHandler {
        typealias OutboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        var action: (() -> Void)?

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            context.write(data, promise: promise)
            action?()
            action = nil
        }
    }

    private static let tolerance = Duration.milliseconds(20)

    private let loop = EmbeddedEventLoop()
    private let queue = MemoryQueue()
    private let stop = Stop()
    private let first: EmbeddedChannel
    private let second: EmbeddedChannel

    init() throws {
        let store = MemoryStore(queue, ManagerID(rawValue: 1), "one")
        let configuration = ManagerConfiguration(version: "0", claimTolerance: Self.tolerance)
        let manager = ManagerCore(store: store, configuration: configuration, eventLoop: loop)
        first = EmbeddedChannel(loop: loop)
        second = EmbeddedChannel(loop: loop)
        try first.pipeline.syncOperations.addHandler(stop)
        for channel in [first, second] {
            try manager.serve(channel)
            channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        }
        loop.run()
        try send("put 0 0 60 1\r\na\r\nput 0 0 60 1\r\nb\r\n", to: first)
        loop.run()
        #expect(try answers(first) == "INSERTED 1\r\nINSERTED 2\r\n")
    }

    private func send(_ text: String, to channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(string: text))
    }

    private func answers(_ channel: EmbeddedChannel) throws -> String {
        var text = ""
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    private func standStill() {
        let end = ContinuousClock.now + Self.tolerance * 2
        while ContinuousClock.now < end {}
    }

    /// Makes both clients reserve in one turn.
    private func reserve() throws {
        try send("reserve\r\n", to: first)
        try send("reserve\r\n", to: second)
        loop.run()
        #expect(try answers(first) == "RESERVED 1 1\r\na\r\n")
    }

    @Test func `a task that a peer took in that time is not handed out`() throws {
        stop.action = { [queue] in
            standStill()
            queue.makePending(TaskID(rawValue: 2))
        }
        try reserve()
        #expect(try answers(second) == "")
        #expect(!second.isActive)
    }

    @Test func `a claim that the session still holds is renewed and answered`() throws {
        var due: Int64?
        stop.action = { [queue] in
            due = queue.items[TaskID(rawValue: 2)]?.due
            standStill()
        }
        try reserve()
        let claimed = try #require(due)
        #expect(try answers(second) == "RESERVED 2 1\r\nb\r\n")
        #expect(try #require(queue.items[TaskID(rawValue: 2)]).due > claimed)
        #expect(second.isActive)
    }

    @Test func `reserve-job of a task in hand is refused and the claim goes on`() throws {
        try reserve()
        try send("reserve-job 1\r\n", to: first)
        loop.run()
        #expect(try answers(first) == "NOT_FOUND\r\n")
        try send("touch 1\r\n", to: first)
        loop.run()
        #expect(try answers(first) == "TOUCHED\r\n")
    }
}
