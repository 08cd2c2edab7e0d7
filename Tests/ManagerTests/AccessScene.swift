import Access
import Logging
import NIOCore
import NIOEmbedded
import TaskStore
import Testing

@testable import Manager
@testable import StoreTesting

/// A manager with principals over a store in memory, and clients in memory.
final class AccessScene {
    let loop = EmbeddedEventLoop()
    let queue = MemoryQueue()
    let manager: ManagerCore

    /// The lines of the manager's log.
    let log = LogRecord()

    /// The token of each principal is its name behind `secret-`.
    static func list(_ lines: [(name: String, rights: String, tubes: String)]) throws -> AccessList {
        let text = try lines.map { line in
            let token = try #require(AccessToken("secret-\(line.name)"))
            return "\(line.name) \(TokenDigest(token)) \(line.rights) \(line.tubes)\n"
        }
        return try AccessList(Array(text.joined().utf8))
    }

    init(
        _ lines: [(name: String, rights: String, tubes: String)],
        limits: ConnectionLimits = ConnectionLimits()
    ) throws {
        var configuration = ManagerConfiguration(version: "0", limits: limits)
        configuration.access = try Self.list(lines)
        manager = ManagerCore(
            store: MemoryStore(queue, ManagerID(rawValue: 1), "one"),
            configuration: configuration,
            eventLoop: loop,
            logger: Logger(label: "access") { [log] _ in log }
        )
    }

    deinit {
        // An engine that is freed before it has ended breaks its promise.
        manager.stop()
        loop.run()
    }

    /// Replaces the principals, as a reload of the tokens file does.
    func reload(_ lines: [(name: String, rights: String, tubes: String)]) throws {
        manager.replaceAccess(try Self.list(lines))
        loop.run()
    }

    /// Connects a client that has said nothing yet.
    func stranger(_ origin: ConnectionOrigin = ConnectionOrigin(address: "memory")) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        try manager.serve(channel, origin: origin)
        channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        loop.run()
        return channel
    }

    /// Connects a client that is known.
    func client(_ name: String) throws -> EmbeddedChannel {
        let channel = try stranger()
        #expect(try say("auth secret-\(name)\r\n", to: channel) == "AUTHENTICATED\r\n")
        return channel
    }

    /// Sends bytes, and returns the answers to them.
    @discardableResult
    func say(_ text: String, to channel: EmbeddedChannel) throws -> String {
        try channel.writeInbound(ByteBuffer(string: text))
        loop.run()
        // Commands that end a batch continue after the sockets have been read.
        pass(.milliseconds(10))
        return try answers(channel)
    }

    /// Returns the answers that have arrived since the last call.
    func answers(_ channel: EmbeddedChannel) throws -> String {
        var text = ""
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    /// Lets time pass on the event loop.
    func pass(_ time: TimeAmount) {
        loop.advanceTime(by: time)
        loop.run()
    }
}
