import BeanstalkWire
import NIOEmbedded
import TaskStore
import Testing

@testable import Manager

/// What a client may do with each right.
@Suite struct RightsTests {
    /// What a verb does, in a tube in which task 1 is pending, task 2 is buried and task 3 is held by the client.
    struct Example: Sendable, CustomTestStringConvertible {
        let verb: Verb

        /// The bytes that the client sends.
        let input: String

        /// The start of the answer with the right; for verbs without a right, of every answer.
        let allowed: String

        /// The answer without the right; `nil` if the verb needs none.
        let denied: String?

        var testDescription: String { verb.name }
    }

    /// Returns the example of a verb.
    ///
    /// A new verb does not compile without one.
    static func example(of verb: Verb) -> Example {
        func example(_ input: String, _ allowed: String, _ denied: String? = "FORBIDDEN\r\n") -> Example {
            Example(verb: verb, input: "\(input)\r\n", allowed: allowed, denied: denied)
        }
        return switch verb {
        case .put: example("put 0 0 60 1\r\na", "INSERTED")
        case .putUnique: example("put-unique k 0 0 60 1\r\na", "INSERTED")
        case .use: example("use other", "USING other", nil)
        case .reserve: example("reserve", "RESERVED 1 ")
        case .reserveWithTimeout: example("reserve-with-timeout 0", "RESERVED 1 ")
        case .reserveJob: example("reserve-job 2", "RESERVED 2 ", "NOT_FOUND\r\n")
        case .delete: example("delete 3", "DELETED", "NOT_FOUND\r\n")
        case .release: example("release 3 0 0", "RELEASED", "NOT_FOUND\r\n")
        case .bury: example("bury 3 0", "BURIED", "NOT_FOUND\r\n")
        case .touch: example("touch 3", "TOUCHED", "NOT_FOUND\r\n")
        case .watch: example("watch mail", "WATCHING")
        case .ignore: example("ignore default", "WATCHING 1", nil)
        case .peek: example("peek 1", "FOUND 1 ", "NOT_FOUND\r\n")
        case .peekReady: example("peek-ready", "FOUND 1 ")
        case .peekDelayed: example("peek-delayed", "NOT_FOUND")
        case .peekBuried: example("peek-buried", "FOUND 2 ")
        case .kick: example("kick 1", "KICKED 1")
        case .kickJob: example("kick-job 2", "KICKED\r\n", "NOT_FOUND\r\n")
        case .statsJob: example("stats-job 1", "OK ", "NOT_FOUND\r\n")
        case .statsTube: example("stats-tube mail", "OK ")
        case .stats: example("stats", "OK ")
        case .listTubes: example("list-tubes", "OK ")
        case .listTubeUsed: example("list-tube-used", "USING mail", nil)
        case .listTubesWatched: example("list-tubes-watched", "OK ", nil)
        case .pauseTube: example("pause-tube mail 9", "PAUSED")
        case .quit: example("quit", "", nil)
        case .session: example("session worker", "SESSION 1")
        case .clearTube: example("clear-tube mail ready", "CLEARED 1")
        case .breakClaim: example("break-claim 3", "BROKEN", "NOT_FOUND\r\n")
        case .endSession: example("end-session 99", "NOT_FOUND")
        case .drainManager: example("drain-manager none", "NOT_FOUND")
        case .undrainManager: example("undrain-manager none", "NOT_FOUND")
        case .moveJob: example("move-job 1 mail", "MOVED")
        case .moveTube: example("move-tube mail mail ready 1", "MOVED")
        case .editJob: example("edit-job 1 pri=1", "EDITED", "NOT_FOUND\r\n")
        case .inspect: example("inspect store", "OK ")
        case .auth: example("auth secret-subject", "UNAUTHORIZED", nil)
        }
    }

    /// The verbs that need their right in all tubes.
    static let overAll: [Verb] = [.stats, .endSession, .drainManager, .undrainManager, .inspect]

    private static let root = (name: "root", rights: "put,reserve,look,read,admin", tubes: "*")

    /// A client that holds task 3 and has no right but those given.
    private static func subject(rights: String, tubes: String) throws -> (AccessScene, EmbeddedChannel) {
        let subject = (name: "subject", rights: root.rights, tubes: "*")
        let scene = try AccessScene([root, subject])
        let (root, channel) = (try scene.client("root"), try scene.client("subject"))
        let puts = String(repeating: "put 0 0 60 1\r\na\r\n", count: 3)
        try scene.say("use mail\r\n\(puts)watch mail\r\nreserve-job 2\r\nbury 2 0\r\n", to: root)
        try scene.say("use mail\r\nwatch mail\r\nreserve-job 3\r\n", to: channel)
        try scene.reload([Self.root, (name: "subject", rights: rights, tubes: tubes)])
        return (scene, channel)
    }

    @Test(arguments: Verb.allCases.map(example))
    func `each verb needs its right, and no other`(example: Example) throws {
        for right in Right.allCases {
            let (scene, channel) = try Self.subject(rights: "\(right)", tubes: "*")
            let answer = try scene.say(example.input, to: channel)
            if let denied = example.denied, right != example.verb.right {
                #expect(answer == denied, "with \(right)")
                #expect(try scene.say("list-tube-used\r\n", to: channel) == "USING mail\r\n", "usable afterwards")
            } else {
                #expect(answer.hasPrefix(example.allowed), "with \(right): \(answer)")
            }
        }
        #expect((example.denied == nil) == (example.verb.right == nil))
    }

    @Test(arguments: Verb.allCases.map(example).filter { $0.denied != nil })
    func `a right in other tubes does not help`(example: Example) throws {
        let (scene, channel) = try Self.subject(rights: Self.root.rights, tubes: "mai,maill,film*,*x")
        let answer = try scene.say(example.input, to: channel)
        switch example.verb {
        case .listTubes: #expect(answer == "OK 4\r\n---\n\r\n", "an empty list")
        case .session: #expect(answer == "SESSION 1\r\n", "it may reserve somewhere")
        default: #expect(answer == example.denied)
        }
    }

    @Test(arguments: Verb.allCases.map(example).filter { $0.denied != nil && !overAll.contains($0.verb) })
    func `a right in some tubes is enough for them`(example: Example) throws {
        let (scene, channel) = try Self.subject(rights: Self.root.rights, tubes: "ma*")
        #expect(try scene.say(example.input, to: channel).hasPrefix(example.allowed))
    }

    @Test func `totals over all tubes need the right in all tubes`() throws {
        let (scene, channel) = try Self.subject(rights: "look", tubes: "mail,*l")
        #expect(try scene.say("stats\r\n", to: channel) == "FORBIDDEN\r\n")
    }

    @Test func `a delete of a task that no session holds needs admin`() throws {
        let (scene, channel) = try Self.subject(rights: "put,reserve,look,read", tubes: "*")
        #expect(
            try scene.say("delete 1\r\ndelete 2\r\ndelete 3\r\n", to: channel)
                == "NOT_FOUND\r\nNOT_FOUND\r\nDELETED\r\n"
        )
        let (other, admin) = try Self.subject(rights: "admin", tubes: "*")
        let answer = try other.say("delete 1\r\ndelete 2\r\ndelete 3\r\n", to: admin)
        #expect(answer == "DELETED\r\nDELETED\r\nNOT_FOUND\r\n")
    }

    @Test func `a holder reads its own task`() throws {
        let (scene, channel) = try Self.subject(rights: "reserve", tubes: "mail")
        #expect(try scene.say("stats-job 3\r\n", to: channel).hasPrefix("OK "))
        #expect(try scene.say("peek 3\r\n", to: channel) == "FOUND 3 1\r\na\r\n")
        #expect(try scene.say("stats-job 1\r\npeek 1\r\n", to: channel) == "NOT_FOUND\r\nNOT_FOUND\r\n")
    }

    @Test func `a reserve takes tasks only from watched tubes with the right`() throws {
        let (scene, channel) = try Self.subject(rights: "reserve", tubes: "film")
        let root = try scene.client("root")
        #expect(try scene.say("reserve-with-timeout 0\r\n", to: channel) == "FORBIDDEN\r\n", "default and mail")
        #expect(try scene.say("watch film\r\nreserve-with-timeout 0\r\n", to: channel) == "WATCHING 3\r\nTIMED_OUT\r\n")
        #expect(try scene.say("reserve\r\n", to: channel).isEmpty)
        try scene.say("use mail\r\nput 0 0 60 1\r\nx\r\nuse film\r\nput 0 0 60 1\r\ny\r\n", to: root)
        #expect(try scene.answers(channel) == "RESERVED 5 1\r\ny\r\n")
    }

    @Test func `a client without the right does not keep a task from one that waits too`() throws {
        let scene = try AccessScene([Self.root, (name: "film", rights: "reserve", tubes: "film")])
        let (root, film, mail) = (try scene.client("root"), try scene.client("film"), try scene.client("root"))
        // The first to wait watches both tubes, and may claim from one.
        try scene.say("watch film\r\nwatch mail\r\nreserve\r\n", to: film)
        try scene.say("watch mail\r\nreserve\r\n", to: mail)
        try scene.say("use mail\r\nput 0 0 60 1\r\nx\r\n", to: root)
        #expect(try scene.answers(mail) == "RESERVED 1 1\r\nx\r\n")
        #expect(try scene.answers(film).isEmpty)
    }

    @Test func `a denied put is read to its end`() throws {
        let (scene, channel) = try Self.subject(rights: "look", tubes: "*")
        #expect(try scene.say("put 0 0 60 14\r\nlist-tubes\r\n", to: channel).isEmpty)
        #expect(try scene.say("xx\r\nlist-tube-used\r\n", to: channel) == "FORBIDDEN\r\nUSING mail\r\n")
    }

    @Test func `an answer that needs no store does not overtake one that waits`() throws {
        let (scene, channel) = try Self.subject(rights: "reserve", tubes: "film")
        let root = try scene.client("root")
        try scene.say("watch film\r\n", to: channel)
        #expect(try scene.say("reserve\r\nput 0 0 60 1\r\na\r\npeek-ready\r\n", to: channel).isEmpty)
        try scene.say("use film\r\nput 0 0 60 1\r\ny\r\n", to: root)
        #expect(try scene.answers(channel) == "RESERVED 4 1\r\ny\r\nFORBIDDEN\r\nFORBIDDEN\r\n")
    }

    @Test func `lists show only tubes to look at`() throws {
        let (scene, channel) = try Self.subject(rights: "look", tubes: "def*")
        #expect(try scene.say("list-tubes\r\n", to: channel) == "OK 14\r\n---\n- default\n\r\n")
    }

    @Test func `sessions of one name belong to one principal`() throws {
        let scene = try AccessScene([Self.root, (name: "other", rights: "reserve,put", tubes: "*")])
        let (root, other) = (try scene.client("root"), try scene.client("other"))
        #expect(
            try scene.say("session worker\r\nput 0 0 60 1\r\na\r\nreserve\r\n", to: root)
                == "SESSION 0\r\nINSERTED 1\r\nRESERVED 1 1\r\na\r\n"
        )
        #expect(try scene.say("session worker\r\n", to: other) == "SESSION 0\r\n")
        #expect(try scene.say("touch 1\r\n", to: root) == "TOUCHED\r\n")
        #expect(try scene.say("session worker\r\n", to: try scene.client("root")) == "SESSION 1\r\n")
    }
}
