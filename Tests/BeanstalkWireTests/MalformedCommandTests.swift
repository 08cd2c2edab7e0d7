import NIOCore
import TaskStore
import Testing

@testable import BeanstalkWire

/// Each line is refused, and the command behind it is carried out.
@Suite struct MalformedCommandTests {
    /// Checks that the line gets one refusal, whole and in single bytes.
    private func expect(_ line: String, _ reply: Reply, countedAs verb: Verb?) throws {
        let expected: [Request] = [.refused(with: reply, countedAs: verb), .command(.stats)]
        #expect(try requests(line + "\r\nstats\r\n") == expected)
        var feeder = Feeder(CommandDecoder(maximumBodySize: 65_535))
        for byte in bytes(line + "\r\nstats\r\n") { try feeder.feed([byte]) }
        #expect(feeder.messages == expected)
    }

    @Test(arguments: [
        "", " ", "x", "\n", "STATS", "Put 1 2 3 4", " stats", "qui", "quiT", "put", "put\t1 2 3 4", "putx 1 2 3 4",
        "peek", "peekX", "peek-", "peek-read", "peek-bury", "res", "reserv", "release", "releaseX", "delete",
        "delete\t1", "bury", "kick", "kickX", "kick-", "kick-job", "kick-jobs 1", "touch", "stat", "use", "usefoo",
        "watch", "watchfoo", "ignore", "list", "list-tube", "list-tube-use", "pause", "pause-tub", "\u{FF}\u{FE}",
    ])
    func `a command is recognised by its start, in lower case`(line: String) throws {
        try expect(line, .unknownCommand, countedAs: nil)
    }

    @Test(arguments: [
        "peek-ready", "peek-delayed", "peek-buried", "reserve", "stats", "list-tubes", "list-tube-used",
        "list-tubes-watched",
    ])
    func `a command without arguments must have nothing after it`(word: String) throws {
        for line in ["\(word) ", "\(word)X", "\(word) 1", "\(word)-foo", "\(word)\n"] {
            try expect(line, .badFormat, countedAs: nil)
        }
    }

    @Test(arguments: [
        "reserve-with-timeout", "reserve-with-timeoutX 1", "reserve-job", "reserve-jobX", "reserved", "stats-job",
        "stats-tube", "stats-jobX 1", "list-tubes-watche", "list-tubes-used",
    ])
    func `a line that starts with a command's name is that command, malformed`(line: String) throws {
        try expect(line, .badFormat, countedAs: nil)
    }

    @Test(arguments: ["peek", "reserve-job", "delete", "kick-job", "touch", "stats-job"])
    func `an id is one number of at most 64 bits`(word: String) throws {
        for argument in ["", " ", "x", "-1", "+1", "1 ", "1x", "1 2", "1\n", "\t1", "\n1", "18446744073709551616"] {
            try expect("\(word) \(argument)", .badFormat, countedAs: nil)
        }
    }

    @Test(arguments: [
        "release 1", "release 1 2", "release 1 2 ", "release 1 2 3 ", "release 1 2 3 4", "release 1 2 3x",
        "release 1x 2 3", "release 1 2x 3", "release 1 4294967296 3", "release 1 2 4294967296",
        "release 18446744073709551616 2 3", "release -1 2 3", "release 1 -2 3", "release 1 2 -3", "release 1\t2 3",
        "bury 1", "bury 1 ", "bury 1 2 ", "bury 1 2 3", "bury 1 4294967296", "bury 1 -2", "bury 1 +2", "bury x 2",
        "reserve-with-timeout ", "reserve-with-timeout x", "reserve-with-timeout -1", "reserve-with-timeout +1",
        "reserve-with-timeout 2147483648", "reserve-with-timeout 4294967296", "reserve-with-timeout \t1",
        "reserve-with-timeout 99999999999999999999",
        "kick ", "kick x", "kick  ", "kick +", "kick -", "kick - 1", "kick +-1", "kick 18446744073709551616",
        "kick -18446744073709551616", "kick 99999999999999999999999",
    ])
    func `numbers must be in range and without a sign, and none may be missing or added`(line: String) throws {
        try expect(line, .badFormat, countedAs: nil)
    }

    @Test(arguments: ["use", "watch", "ignore", "stats-tube"])
    func `a tube's name has only the allowed characters`(word: String) throws {
        let long = String(repeating: "n", count: 201)
        for name in ["", " ", " x", "x ", "x y", "-x", "x!", "x\n", "a\tb", "é", "a,b", "a:b", long] {
            try expect("\(word) \(name)", .badFormat, countedAs: nil)
        }
    }

    @Test(arguments: [
        "pause-tube", "pause-tube ", "pause-tube x", "pause-tube x ", "pause-tube x y", "pause-tube x -1",
        "pause-tube x +1", "pause-tube x 1 ", "pause-tube x 1x", "pause-tube x 4294967296", "pause-tube !x 1",
        "pause-tube x! 1", "pause-tube x1", "pause-tube \tx 1", "pause-tube x\t1", "pause-tube -x",
    ])
    func `pause-tube needs a name and seconds`(line: String) throws {
        try expect(line, .badFormat, countedAs: nil)
    }

    @Test func `pause-tube with a bad name counts if the rest is right`() throws {
        try expect("pause-tube -x 1", .badFormat, countedAs: .pauseTube)
        try expect("pause-tube-x 1", .badFormat, countedAs: .pauseTube)
        try expect("pause-tube " + String(repeating: "n", count: 201) + " 1", .badFormat, countedAs: .pauseTube)
    }

    @Test(arguments: [
        "put ", "put x", "put 1", "put 1 2", "put 1 2 3", "put 1 2 3 ", "put 1 2 3 x", "put -1 2 3 4",
        "put 1 -2 3 4",
        "put 1 2 -3 4", "put 1 2 3 -4", "put +1 2 3 4", "put 1x 2 3 4", "put 1 2x 3 4", "put 1 2 3x 4",
        "put 1\t2 3 4",
        "put 4294967296 2 3 4", "put 1 4294967296 3 4", "put 1 2 4294967296 4", "put 1 2 3 4294967296",
        "put 1 2 3 18446744073709551616",
    ])
    func `put needs four numbers`(line: String) throws {
        try expect(line, .badFormat, countedAs: nil)
    }

    @Test(arguments: ["put 1 2 3 4 ", "put 1 2 3 4x", "put 1 2 3 4 5", "put 1 2 3 65535 x", "put 1 2 3 4\n"])
    func `put with bytes after its numbers counts and has no body`(line: String) throws {
        try expect(line, .badFormat, countedAs: .put)
    }

    @Test(arguments: [
        "use a\u{0}b", "\u{0}", "stats\u{0}", "use a\r", "\r", "\rstats", "use a\rb", "\r\r\r", "quit\u{0}",
    ])
    func `NUL and a single CR are not allowed in a line`(line: String) throws {
        try expect(line, .badFormat, countedAs: nil)
    }

    @Test(arguments: [
        "session ", "session -x", "session a b", "session  a", "put-unique ", "put-unique key", "put-unique key 1",
        "put-unique key 1 2 3", "put-unique -k 1 2 3 4", "put-unique  1 2 3 4", "put-unique k?y 1 2 3 4",
        "clear-tube ", "clear-tube a", "clear-tube a reserved", "clear-tube a claimed", "clear-tube a ready x",
        "clear-tube -a ready", "clear-tube a  ready",
    ])
    func `the commands of the extensions are parsed strictly`(line: String) throws {
        try expect(line, .badFormat, countedAs: nil)
    }

    @Test func `only put-unique may be longer than 224 bytes, by its key at most`() throws {
        let name = String(repeating: "k", count: 201)
        try expect("put-unique \(name) 1 2 3 4", .badFormat, countedAs: nil)
        try expect("put-unique k" + String(repeating: " ", count: 260) + "1 2 3 4", .badFormat, countedAs: nil)
        try expect("session " + String(repeating: "k", count: 217), .badFormat, countedAs: nil)
    }
}
