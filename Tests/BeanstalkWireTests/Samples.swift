import TaskStore

@testable import BeanstalkWire

extension TubeName {
    /// A name that a test knows to be valid.
    init(sample text: String) {
        self = TubeName(text) ?? .default
    }
}

extension SessionName {
    /// A name that a test knows to be valid.
    init(sample text: String) {
        guard let name = SessionName(text) else { preconditionFailure("no session name: \(text)") }
        self = name
    }
}

extension UniqueKey {
    /// A key that a test knows to be valid.
    init(sample text: String) {
        guard let key = UniqueKey(text) else { preconditionFailure("no key: \(text)") }
        self = key
    }
}

/// A name as long as names may be.
let longestName = String(repeating: "k", count: TubeName.maximumLength)

/// A token as long as tokens may be.
let longestToken = String(repeating: "t", count: AccessToken.maximumLength)

/// Every command, with the bytes it is on the wire.
let sampleCommands: [(String, Command)] = [
    ("put 1 2 3 4\r\nabcd\r\n", .put(priority: 1, delay: 2, timeToRun: 3, body: bytes("abcd"))),
    ("put 0 0 0 0\r\n\r\n", .put(priority: 0, delay: 0, timeToRun: 0, body: [])),
    (
        "put 4294967295 4294967295 4294967295 6\r\na\r\nb\r\n\r\n",
        .put(priority: .max, delay: .max, timeToRun: .max, body: bytes("a\r\nb\r\n"))
    ),
    ("use emails\r\n", .use(TubeName(sample: "emails"))),
    ("reserve\r\n", .reserve),
    ("reserve-with-timeout 0\r\n", .reserveWithTimeout(seconds: 0)),
    ("reserve-with-timeout 2147483647\r\n", .reserveWithTimeout(seconds: 2_147_483_647)),
    ("reserve-job 7\r\n", .reserveJob(TaskID(rawValue: 7))),
    ("delete 9223372036854775807\r\n", .delete(TaskID(rawValue: .max))),
    ("release 7 8 9\r\n", .release(TaskID(rawValue: 7), priority: 8, delay: 9)),
    ("bury 7 8\r\n", .bury(TaskID(rawValue: 7), priority: 8)),
    ("touch 7\r\n", .touch(TaskID(rawValue: 7))),
    ("watch A-z0/9;.$_()+\r\n", .watch(TubeName(sample: "A-z0/9;.$_()+"))),
    ("ignore default\r\n", .ignore(.default)),
    ("peek 0\r\n", .peek(TaskID(rawValue: 0))),
    ("peek-ready\r\n", .peekNext(.pending)),
    ("peek-delayed\r\n", .peekNext(.delayed)),
    ("peek-buried\r\n", .peekNext(.buried)),
    ("kick 4294967295\r\n", .kick(bound: .max)),
    ("kick-job 7\r\n", .kickJob(TaskID(rawValue: 7))),
    ("stats-job 7\r\n", .statsJob(TaskID(rawValue: 7))),
    ("stats-tube default\r\n", .statsTube(.default)),
    ("stats\r\n", .stats),
    ("list-tubes\r\n", .listTubes),
    ("list-tube-used\r\n", .listTubeUsed),
    ("list-tubes-watched\r\n", .listTubesWatched),
    ("pause-tube default 60\r\n", .pauseTube(.default, seconds: 60)),
    ("quit\r\n", .quit),
    ("session worker-1\r\n", .session(SessionName(sample: "worker-1"))),
    (
        "put-unique order/7 1 2 3 4\r\nabcd\r\n",
        .put(priority: 1, delay: 2, timeToRun: 3, body: bytes("abcd"), key: UniqueKey(sample: "order/7"))
    ),
    (
        "put-unique \(longestName) 4294967295 4294967295 4294967295 1\r\na\r\n",
        .put(priority: .max, delay: .max, timeToRun: .max, body: bytes("a"), key: UniqueKey(sample: longestName))
    ),
    ("clear-tube emails ready\r\n", .clearTube(TubeName(sample: "emails"), .pending)),
    ("clear-tube emails delayed\r\n", .clearTube(TubeName(sample: "emails"), .delayed)),
    ("clear-tube emails buried\r\n", .clearTube(TubeName(sample: "emails"), .buried)),
    ("break-claim 7\r\n", .breakClaim(TaskID(rawValue: 7))),
    ("end-session 4294967295\r\n", .endSession(4_294_967_295)),
    ("drain-manager m1\r\n", .drain(manager: "m1")),
    ("undrain-manager node%201/%C3%A9\r\n", .drain(manager: "node 1/é", false)),
    ("move-job 7 emails\r\n", .moveJob(TaskID(rawValue: 7), to: TubeName(sample: "emails"))),
    (
        "move-tube \(longestName) default buried 4294967295\r\n",
        .moveTube(from: TubeName(sample: longestName), to: .default, .buried, limit: .max)
    ),
    (
        "edit-job 7 pri=1 delay=0 ttr=3\r\n",
        .editJob(TaskID(rawValue: 7), TaskEdit(priority: 1, delay: 0, timeToRun: 3))
    ),
    ("edit-job 7 delay=5\r\n", .editJob(TaskID(rawValue: 7), TaskEdit(delay: 5))),
    ("inspect managers\r\n", .inspect(.managers)),
    ("inspect store\r\n", .inspect(.store)),
    ("inspect tubes\r\n", .inspect(.tubes(having: nil, after: nil, limit: 100))),
    (
        "inspect tubes state=claimed after=%24a limit=1000\r\n",
        .inspect(.tubes(having: .claimed, after: TubeName(sample: "$a"), limit: 1000))
    ),
    ("inspect tube name=default\r\n", .inspect(.tube(.default))),
    ("inspect task id=7\r\n", .inspect(.task(TaskID(rawValue: 7), withBody: false))),
    ("inspect task id=7 body=1\r\n", .inspect(.task(TaskID(rawValue: 7), withBody: true))),
    (
        "inspect tasks tube=emails state=buried older-than=60 body-like=%00%0D%0A%20%25%FF after=9 limit=1\r\n",
        .inspect(
            .tasks(
                TaskFilter(
                    tube: TubeName(sample: "emails"),
                    state: .buried,
                    olderThan: 60,
                    bodyLike: [0, 13, 10, 32, 37, 255]
                ),
                after: TaskID(rawValue: 9),
                limit: 1
            )
        )
    ),
    (
        "inspect claims tube=default manager=m1 after=8\r\n",
        .inspect(.claims(tube: .default, manager: "m1", after: TaskID(rawValue: 8), limit: 100))
    ),
    ("inspect sessions after=8\r\n", .inspect(.sessions(tube: nil, manager: nil, after: 8, limit: 100))),
    ("auth !secret~\r\n", .auth(AccessToken("!secret~"))),
    ("auth \(longestToken)\r\n", .auth(AccessToken(longestToken))),
    ("auth \r\n", .auth(nil)),
]

/// Every reply, with the bytes it is on the wire.
let sampleReplies: [(String, Reply)] = [
    ("INSERTED 7\r\n", .inserted(TaskID(rawValue: 7))),
    ("INSERTED 9223372036854775807\r\n", .inserted(TaskID(rawValue: .max))),
    ("BURIED 7\r\n", .buriedTask(TaskID(rawValue: 7))),
    ("EXPECTED_CRLF\r\n", .expectedCRLF),
    ("JOB_TOO_BIG\r\n", .jobTooBig),
    ("DRAINING\r\n", .draining),
    ("USING default\r\n", .using(.default)),
    ("RESERVED 7 4\r\na\r\nb\r\n", .reserved(TaskID(rawValue: 7), body: bytes("a\r\nb"))),
    ("RESERVED 10 0\r\n\r\n", .reserved(TaskID(rawValue: 10), body: [])),
    ("DEADLINE_SOON\r\n", .deadlineSoon),
    ("TIMED_OUT\r\n", .timedOut),
    ("DELETED\r\n", .deleted),
    ("RELEASED\r\n", .released),
    ("BURIED\r\n", .buried),
    ("TOUCHED\r\n", .touched),
    ("WATCHING 99\r\n", .watching(99)),
    ("NOT_IGNORED\r\n", .notIgnored),
    ("FOUND 7 10\r\n0123456789\r\n", .found(TaskID(rawValue: 7), body: bytes("0123456789"))),
    ("KICKED 0\r\n", .kicked(0)),
    ("KICKED 1000\r\n", .kicked(1000)),
    ("KICKED\r\n", .kickedTask),
    ("OK 14\r\n---\n- default\n\r\n", .ok(bytes("---\n- default\n"))),
    ("PAUSED\r\n", .paused),
    ("NOT_FOUND\r\n", .notFound),
    ("OUT_OF_MEMORY\r\n", .outOfMemory),
    ("INTERNAL_ERROR\r\n", .internalError),
    ("BAD_FORMAT\r\n", .badFormat),
    ("UNKNOWN_COMMAND\r\n", .unknownCommand),
    ("SESSION 3\r\n", .session(claims: 3)),
    ("SESSION_TAKEN\r\n", .sessionTaken),
    ("EXISTS 7\r\n", .exists(TaskID(rawValue: 7))),
    ("CLEARED 0\r\n", .cleared(0)),
    ("BROKEN\r\n", .broken),
    ("ENDED\r\n", .ended),
    ("SERVING\r\n", .serving),
    ("MOVED\r\n", .movedTask),
    ("MOVED 12\r\n", .moved(12)),
    ("EDITED\r\n", .edited),
    ("AUTHENTICATED\r\n", .authenticated),
    ("UNAUTHORIZED\r\n", .unauthorized),
    ("FORBIDDEN\r\n", .forbidden),
]

/// Streams of clients that can be refused or carried out, with what comes of them; the body limit is 8.
let sampleStreams: [(String, [Request])] =
    sampleCommands.map { ($0.0, [.command($0.1)]) } + [
        ("\r\n", [.refused(with: .unknownCommand, countedAs: nil)]),
        ("auth\r\n", [.refused(with: .unknownCommand, countedAs: nil)]),
        ("auth two words\r\n", [.command(.auth(nil))]),
        ("auth \(longestToken)x\r\n", [.refused(with: .badFormat, countedAs: nil)]),
        ("hello\r\n", [.refused(with: .unknownCommand, countedAs: nil)]),
        ("delete x\r\n", [.refused(with: .badFormat, countedAs: nil)]),
        ("use \u{0}\r\n", [.refused(with: .badFormat, countedAs: nil)]),
        ("use a\rb\r\n", [.refused(with: .badFormat, countedAs: nil)]),
        ("put 1 2 3 4 x\r\n", [.refused(with: .badFormat, countedAs: .put)]),
        ("put 1 2 3 4\r\nabcdef", [.refused(with: .expectedCRLF, countedAs: .put)]),
        ("put 1 2 3 4\r\nabcd\r\r", [.refused(with: .expectedCRLF, countedAs: .put)]),
        ("put 1 2 3 9\r\n123456789\r\n", [.refused(with: .jobTooBig, countedAs: .put)]),
        ("pause-tube -x 1\r\n", [.refused(with: .badFormat, countedAs: .pauseTube)]),
        (String(repeating: "x", count: 222) + "\r\n", [.refused(with: .unknownCommand, countedAs: nil)]),
        (String(repeating: "x", count: 223) + "\r\n", [.refused(with: .badFormat, countedAs: nil)]),
        (String(repeating: "x\r", count: 300) + "\r\n", [.refused(with: .badFormat, countedAs: nil)]),
    ]
