import NIOCore
import NIOEmbedded
import TaskStore
import Testing

@testable import Manager

/// The lines about what operators do.
@Suite struct AuditTests {
    private static let root = (name: "root", rights: "put,reserve,look,read,admin", tubes: "*")
    private let scene: AccessScene
    private let root: EmbeddedChannel

    init() throws {
        scene = try AccessScene([Self.root])
        root = try scene.client("root")
        try scene.say("use mail\r\nput 0 0 60 1\r\na\r\nput 0 9 60 1\r\nb\r\nput 0 9 60 1\r\nc\r\n", to: root)
        _ = scene.log.take()
    }

    @Test(
        arguments: [
            ("delete 1", "audit address=memory id=1 outcome=done principal=root verb=delete"),
            ("kick-job 2", "audit address=memory count=1 id=2 outcome=done principal=root verb=kick-job"),
            ("kick 9", "audit address=memory count=2 filter=bound=9 outcome=done principal=root tube=mail verb=kick"),
            (
                "kick 9000",
                "audit address=memory count=2 filter=bound=9000 outcome=done principal=root tube=mail verb=kick"
            ),
            (
                "pause-tube mail 9",
                "audit address=memory filter=seconds=9 outcome=done principal=root tube=mail verb=pause-tube"
            ),
            (
                "clear-tube mail delayed",
                "audit address=memory count=2 filter=state=delayed outcome=done principal=root tube=mail verb=clear-tube"
            ),
        ]
    )
    func `a command of an operator that changes something has one line`(command: String, line: String) throws {
        try scene.say("\(command)\r\n", to: root)
        // Between the steps of a long command the manager waits for its sockets.
        scene.pass(.milliseconds(20))
        #expect(scene.log.take() == [line])
    }

    @Test(
        arguments: [
            "delete 99", "kick-job 1", "clear-tube mail buried", "clear-tube none ready", "pause-tube none 1",
            "use none\r\nkick 1", "peek 1", "stats", "reserve\r\ndelete 1", "reserve\r\nrelease 1 0 0",
        ]
    )
    func `a command that changes nothing, or a holder's, has none`(command: String) throws {
        try scene.say("watch mail\r\n\(command)\r\n", to: root)
        #expect(scene.log.take().isEmpty)
    }

    @Test func `no line has a token or a body`() throws {
        try scene.say("auth wrong-secret\r\n", to: try scene.stranger())
        try scene.say("put 0 0 60 4\r\nbody\r\n", to: root)
        let lines = scene.log.take()
        #expect(lines == ["a client is not authorized address=memory times=1"])
    }
}
