import Access
import NIOCore
import NIOEmbedded
import TaskStore
import Testing

@testable import Manager
@testable import StoreTesting

/// A connection before and at `auth`.
@Suite struct AuthenticationTests {
    private static let everything = (name: "all", rights: "put,reserve,look,read,admin", tubes: "*")

    private let scene: AccessScene

    init() throws {
        scene = try AccessScene([Self.everything])
    }

    @Test func `a client that knows its token may send commands, also behind it in the same packet`() throws {
        let channel = try scene.stranger()
        let answer = try scene.say("auth secret-all\r\nput 0 0 60 1\r\na\r\nreserve\r\n", to: channel)
        #expect(answer == "AUTHENTICATED\r\nINSERTED 1\r\nRESERVED 1 1\r\na\r\n")
        #expect(try scene.say("delete 1\r\n", to: channel) == "DELETED\r\n")
    }

    @Test func `the line may arrive byte by byte`() throws {
        let channel = try scene.stranger()
        for byte in "auth secret-all\r" { #expect(try scene.say(String(byte), to: channel).isEmpty) }
        #expect(try scene.say("\nlist-tube-used\r\n", to: channel) == "AUTHENTICATED\r\nUSING default\r\n")
    }

    @Test(
        arguments: [
            "auth secret-al\r\n", "auth secret-all \r\n", "auth\r\n", "auth \r\n", "AUTH secret-all\r\n",
            "auth secret-all\0\r\n", "reserve\r\n", "stats\r\n", "\r\n", "hello\r\n",
            "authsecret-all\r\n", "put 0 0 60 6\r\nstats\r\n\r\n", String(repeating: "a", count: 224),
            "auth \(String(repeating: "a", count: 300))\r\n", "put-unique \(String(repeating: "k", count: 250))",
        ]
    )
    func `anything else is refused and the connection is closed`(input: String) throws {
        let channel = try scene.stranger()
        #expect(try scene.say(input, to: channel) == "UNAUTHORIZED\r\n")
        #expect(try scene.say("auth secret-all\r\nstats\r\n", to: channel).isEmpty, "the rest is dropped")
        scene.pass(.seconds(2))
        #expect(!channel.isActive)
        #expect(scene.queue.lastID == 0)
    }

    @Test func `the body of a put is never taken for commands`() throws {
        let channel = try scene.stranger()
        let answer = try scene.say("put 0 0 60 17\r\nauth secret-all\r\n\r\nput 0 0 60 1\r\na\r\n", to: channel)
        #expect(answer == "UNAUTHORIZED\r\n")
        scene.pass(.seconds(2))
        #expect(scene.queue.lastID == 0)
    }

    @Test func `quit before auth closes without an answer`() throws {
        let channel = try scene.stranger()
        #expect(try scene.say("quit\r\n", to: channel).isEmpty)
        #expect(!channel.isActive)
    }

    @Test func `a second auth ends the connection, behind the answers to earlier commands`() throws {
        let channel = try scene.client("all")
        let answer = try scene.say("put 0 0 60 1\r\na\r\nauth secret-all\r\nput 0 0 60 1\r\nb\r\n", to: channel)
        #expect(answer == "INSERTED 1\r\nUNAUTHORIZED\r\n")
        #expect(!channel.isActive)
        #expect(scene.queue.lastID == 1)
    }

    @Test func `a client that says nothing is closed after ten seconds`() throws {
        let (silent, known) = (try scene.stranger(), try scene.client("all"))
        scene.pass(.seconds(9))
        #expect(silent.isActive)
        scene.pass(.seconds(2))
        #expect(!silent.isActive)
        #expect(known.isActive)
    }

    @Test func `a client that ends its side before auth is closed`() throws {
        let channel = try scene.stranger()
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!channel.isActive)
    }

    @Test func `a client that ends its side right after auth is answered`() throws {
        let channel = try scene.stranger()
        try channel.writeInbound(ByteBuffer(string: "auth secret-all\r\nlist-tube-used\r\n"))
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        scene.loop.run()
        #expect(try scene.answers(channel) == "AUTHENTICATED\r\nUSING default\r\n")
        #expect(!channel.isActive)
    }

    @Test func `of too many strangers the oldest is closed, and a client with a token is served`() throws {
        var limits = ConnectionLimits()
        limits.strangers = 3
        let scene = try AccessScene([Self.everything], limits: limits)
        let known = try scene.client("all")
        let strangers = try (0..<5).map { _ in try scene.stranger() }
        #expect(strangers.map(\.isActive) == [false, false, true, true, true])
        #expect(known.isActive)
        #expect(try scene.say("auth secret-all\r\n", to: strangers[4]) == "AUTHENTICATED\r\n")
        let more = try (0..<2).map { _ in try scene.stranger() }
        #expect(strangers.map(\.isActive) == [false, false, false, true, true])
        #expect(more.map(\.isActive) == [true, true])
    }

    @Test func `failures are counted`() throws {
        for _ in 0..<3 { try scene.say("auth wrong\r\n", to: try scene.stranger()) }
        let channel = try scene.client("all")
        #expect(try scene.say("stats\r\n", to: channel).contains("\nunauthorized: 3\n"))
    }

    @Test func `a stranger has no session`() throws {
        let channel = try scene.stranger()
        let known = try scene.client("all")
        #expect(try scene.say("stats\r\n", to: known).contains("\ncurrent-connections: 1\n"))
        #expect(channel.isActive)
    }

    @Test func `an open listener knows no auth, and allows everything`() throws {
        let channel = try scene.stranger(ConnectionOrigin(address: "memory", isOpen: true))
        let answer = try scene.say("put 0 0 60 1\r\na\r\nauth secret-all\r\npeek 1\r\n", to: channel)
        #expect(answer == "INSERTED 1\r\nUNKNOWN_COMMAND\r\nFOUND 1 1\r\na\r\n")
    }

    @Test func `a client that its transport has identified needs no auth`() throws {
        let scene = try AccessScene([Self.everything])
        let text = "bob uid:7 put *\ncarol cert:carol.example look *\n"
        scene.manager.replaceAccess(try AccessList(Array(text.utf8)))
        scene.loop.run()
        let bob = try scene.stranger(ConnectionOrigin(address: "unix:/x", identity: .user(id: 7)))
        #expect(try scene.say("put 0 0 60 1\r\na\r\npeek 1\r\n", to: bob) == "INSERTED 1\r\nNOT_FOUND\r\n")
        let identity = PeerIdentity.certificate(names: ["x", "carol.example"])
        let carol = try scene.stranger(ConnectionOrigin(address: "memory", identity: identity))
        #expect(try scene.say("put 0 0 60 1\r\na\r\n", to: carol) == "FORBIDDEN\r\n")
        let other = try scene.stranger(ConnectionOrigin(address: "unix:/x", identity: .user(id: 8)))
        #expect(try scene.say("stats\r\n", to: other) == "UNAUTHORIZED\r\n")
    }

    @Test func `connections of strangers are closed when the manager stops`() throws {
        let channel = try scene.stranger()
        scene.manager.stop()
        scene.loop.run()
        #expect(!channel.isActive)
    }
}
