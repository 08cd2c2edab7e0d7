import Access
import NIOEmbedded
import TaskStore
import Testing

@testable import Manager

/// A tokens file that is read again while clients are connected.
@Suite struct ReloadedAccessTests {
    private static let root = (name: "root", rights: "put,reserve,look,read,admin", tubes: "*")
    private let scene: AccessScene

    init() throws {
        scene = try AccessScene([Self.root, (name: "worker", rights: "reserve", tubes: "*")])
    }

    @Test func `narrowed rights hold from the next command on`() throws {
        let worker = try scene.client("worker")
        #expect(try scene.say("watch mail\r\n", to: worker) == "WATCHING 2\r\n")
        try scene.reload([Self.root, (name: "worker", rights: "reserve", tubes: "film")])
        #expect(try scene.say("watch news\r\n", to: worker) == "FORBIDDEN\r\n")
        #expect(try scene.say("reserve-with-timeout 0\r\n", to: worker) == "FORBIDDEN\r\n")
        try scene.reload([Self.root, (name: "worker", rights: "reserve,look", tubes: "*")])
        #expect(try scene.say("watch news\r\n", to: worker) == "WATCHING 3\r\n")
    }

    @Test func `a reserve that waits goes on with the tubes that are left`() throws {
        let (root, worker) = (try scene.client("root"), try scene.client("worker"))
        try scene.say("watch mail\r\nwatch film\r\n", to: worker)
        #expect(try scene.say("reserve\r\n", to: worker).isEmpty)
        try scene.reload([Self.root, (name: "worker", rights: "reserve", tubes: "film")])
        try scene.say("use mail\r\nput 0 0 60 1\r\na\r\n", to: root)
        #expect(try scene.answers(worker).isEmpty)
        try scene.say("use film\r\nput 0 0 60 1\r\nb\r\n", to: root)
        #expect(try scene.answers(worker) == "RESERVED 2 1\r\nb\r\n")
    }

    @Test func `a reserve that waits gets a task of a tube for which the right is new`() throws {
        let (root, worker) = (try scene.client("root"), try scene.client("worker"))
        try scene.reload([Self.root, (name: "worker", rights: "reserve", tubes: "film,default")])
        try scene.say("use mail\r\nput 0 0 60 1\r\na\r\n", to: root)
        try scene.reload([Self.root, (name: "worker", rights: "reserve", tubes: "*")])
        try scene.say("watch mail\r\n", to: worker)
        try scene.reload([Self.root, (name: "worker", rights: "reserve", tubes: "film,default")])
        #expect(try scene.say("reserve\r\n", to: worker).isEmpty)
        try scene.reload([Self.root, (name: "worker", rights: "reserve", tubes: "*")])
        #expect(try scene.answers(worker) == "RESERVED 1 1\r\na\r\n")
    }

    @Test func `a reserve that waits is refused if no tube is left, and the commands behind it run`() throws {
        let worker = try scene.client("worker")
        #expect(try scene.say("reserve\r\nlist-tube-used\r\n", to: worker).isEmpty)
        try scene.reload([Self.root, (name: "worker", rights: "look", tubes: "*")])
        #expect(try scene.answers(worker) == "FORBIDDEN\r\nUSING default\r\n")
        #expect(try scene.say("stats\r\n", to: worker).contains("\ncurrent-waiting: 0\n"))
    }

    @Test func `connections of a principal that is gone are closed, and its named session ends`() throws {
        let (root, worker) = (try scene.client("root"), try scene.client("worker"))
        try scene.say("put 0 0 60 1\r\na\r\n", to: root)
        try scene.say("session w\r\nreserve\r\n", to: worker)
        try scene.reload([Self.root])
        #expect(!worker.isActive)
        #expect(root.isActive)
        #expect(try scene.say("stats-job 1\r\n", to: root).contains("\nstate: ready\n"))
        #expect(try scene.say("auth secret-worker\r\n", to: try scene.stranger()) == "UNAUTHORIZED\r\n")
    }

    @Test func `a token that was replaced ends the connection, and the named session can be taken up`() throws {
        let (root, worker) = (try scene.client("root"), try scene.client("worker"))
        try scene.say("put 0 0 60 1\r\na\r\n", to: root)
        #expect(
            try scene.say("session w\r\nreserve\r\n", to: worker) == "SESSION 0\r\nRESERVED 1 1\r\na\r\n"
        )
        let token = try #require(AccessToken("secret-root"))
        let new = try #require(AccessToken("new"))
        let text = """
            root \(TokenDigest(token)) \(Self.root.rights) *
            worker \(TokenDigest(new)) reserve *
            """
        scene.manager.replaceAccess(try AccessList(Array(text.utf8)))
        scene.loop.run()
        #expect(!worker.isActive)
        let again = try scene.stranger()
        #expect(try scene.say("auth new\r\nsession w\r\n", to: again) == "AUTHENTICATED\r\nSESSION 1\r\n")
    }
}
