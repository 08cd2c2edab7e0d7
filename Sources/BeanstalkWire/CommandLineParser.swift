import TaskStore

/// What a client's line says.
enum ParsedLine {
    /// A request that needs no body.
    case request(Request)

    /// A put whose body comes next.
    case put(PutHeader)
}

/// The numbers of a put, whose body is still to come.
struct PutHeader {
    /// The task's priority.
    var priority: UInt32

    /// Seconds before the task becomes pending.
    var delay: UInt32

    /// Seconds a consumer may hold it, as sent: 0 is not yet raised to 1.
    var timeToRun: UInt32

    /// The body's length in bytes.
    var size: Int

    /// Whether something stood behind the last number, which is looked at only after the size.
    var hasTrailingBytes: Bool

    /// The key of a put-unique.
    var key: UniqueKey?

    /// What the put counts as in the statistics.
    var verb: Verb { key == nil ? .put : .putUnique }

    /// The command with its body.
    func command(with body: [UInt8]) -> Command {
        guard let key else { return .put(priority: priority, delay: delay, timeToRun: timeToRun, body: body) }
        return .putUnique(key, priority: priority, delay: delay, timeToRun: timeToRun, body: body)
    }
}

/// Parses the lines that clients send, as beanstalkd's `which_cmd` and `dispatch_cmd` do.
///
/// A command is known by what its line begins with, not by its first word, in beanstalkd's order of trying: so
/// `reserve-foo` is a malformed `reserve`, `quitX` quits, and `pause-tubefoo 5` pauses `foo`.
enum CommandLineParser {
    private static let unknown = ParsedLine.request(.refused(with: .unknownCommand, countedAs: nil))
    private static let malformed = ParsedLine.request(.refused(with: .badFormat, countedAs: nil))

    /// Parses a line.
    ///
    /// - Parameter line: the line without CRLF.
    /// - Returns: a request, or a put that waits for its body.
    static func parse(_ line: Span<UInt8>) -> ParsedLine {
        guard !line.isEmpty else { return unknown }
        return switch line[0] {
        case UInt8(ascii: "p"): parseP(line)
        case UInt8(ascii: "r"): parseR(line)
        case UInt8(ascii: "d"): parseD(line)
        case UInt8(ascii: "b"): parseB(line)
        case UInt8(ascii: "k"): parseK(line)
        case UInt8(ascii: "t"): parseT(line)
        case UInt8(ascii: "s"): parseS(line)
        case UInt8(ascii: "u"): parseU(line)
        case UInt8(ascii: "w"): parseW(line)
        case UInt8(ascii: "i"): parseI(line)
        case UInt8(ascii: "l"): parseL(line)
        case UInt8(ascii: "q"): parseQ(line)
        case UInt8(ascii: "c"): parseC(line)
        default: unknown
        }
    }

    private static func parseP(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "put ") { return put(line, from: position) }
        if let position = line.end(of: "put-unique ") { return putUnique(line, from: position) }
        if let position = line.end(of: "peek ") { return task(line, from: position, Command.peek) }
        if let position = line.end(of: "peek-ready") { return bare(line, to: position, .peekReady) }
        if let position = line.end(of: "peek-delayed") { return bare(line, to: position, .peekDelayed) }
        if let position = line.end(of: "peek-buried") { return bare(line, to: position, .peekBuried) }
        if let position = line.end(of: "pause-tube") { return pauseTube(line, from: position) }
        return unknown
    }

    private static func parseR(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "reserve-with-timeout ") { return reserveWithTimeout(line, from: position) }
        if let position = line.end(of: "reserve-job ") { return task(line, from: position, Command.reserveJob) }
        if let position = line.end(of: "reserve") { return bare(line, to: position, .reserve) }
        if let position = line.end(of: "release ") { return release(line, from: position) }
        return unknown
    }

    private static func parseD(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "delete ") { return task(line, from: position, Command.delete) }
        return unknown
    }

    private static func parseB(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "bury ") { return bury(line, from: position) }
        return unknown
    }

    private static func parseK(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "kick ") { return kick(line, from: position) }
        if let position = line.end(of: "kick-job ") { return task(line, from: position, Command.kickJob) }
        return unknown
    }

    private static func parseT(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "touch ") { return task(line, from: position, Command.touch) }
        return unknown
    }

    private static func parseS(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "stats-job ") { return task(line, from: position, Command.statsJob) }
        if let position = line.end(of: "stats-tube ") { return tube(line, from: position, Command.statsTube) }
        if let position = line.end(of: "stats") { return bare(line, to: position, .stats) }
        if let position = line.end(of: "session ") { return session(line, from: position) }
        return unknown
    }

    private static func parseU(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "use ") { return tube(line, from: position, Command.use) }
        return unknown
    }

    private static func parseW(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "watch ") { return tube(line, from: position, Command.watch) }
        return unknown
    }

    private static func parseI(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "ignore ") { return tube(line, from: position, Command.ignore) }
        return unknown
    }

    private static func parseL(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "list-tubes-watched") { return bare(line, to: position, .listTubesWatched) }
        if let position = line.end(of: "list-tube-used") { return bare(line, to: position, .listTubeUsed) }
        if let position = line.end(of: "list-tubes") { return bare(line, to: position, .listTubes) }
        return unknown
    }

    private static func parseQ(_ line: Span<UInt8>) -> ParsedLine {
        line.end(of: "quit") == nil ? unknown : .request(.command(.quit))
    }

    private static func parseC(_ line: Span<UInt8>) -> ParsedLine {
        if let position = line.end(of: "clear-tube ") { return clearTube(line, from: position) }
        return unknown
    }
}

// The arguments, command by command.
extension CommandLineParser {
    /// A command without arguments: its name is the whole line.
    private static func bare(_ line: Span<UInt8>, to end: Int, _ command: Command) -> ParsedLine {
        end == line.count ? .request(.command(command)) : malformed
    }

    /// A command whose only argument is a task's id.
    private static func task(_ line: Span<UInt8>, from start: Int, _ command: (TaskID) -> Command) -> ParsedLine {
        var position = start
        guard let id = taskID(line, at: &position), position == line.count else { return malformed }
        return .request(.command(command(id)))
    }

    /// A command whose only argument is a tube; no space may precede it but the one of the command.
    private static func tube(_ line: Span<UInt8>, from start: Int, _ command: (TubeName) -> Command) -> ParsedLine {
        guard let name = line.tubeName(in: start..<line.count) else { return malformed }
        return .request(.command(command(name)))
    }

    /// As a put's line, with the key in front of the numbers.
    private static func putUnique(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        while position < line.count, TubeName.isNameByte(line[position]) { position += 1 }
        guard
            let key = line.withName(in: start..<position, { UniqueKey($0) }),
            position < line.count, line[position] == UInt8.space,
            case .put(var header) = put(line, from: position)
        else { return malformed }
        header.key = key
        return .put(header)
    }

    private static func session(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        guard let name = line.withName(in: start..<line.count, { SessionName($0) }) else { return malformed }
        return .request(.command(.session(name)))
    }

    private static func clearTube(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        while position < line.count, line[position] != UInt8.space { position += 1 }
        guard let tube = line.tubeName(in: start..<position), position < line.count else { return malformed }
        let word = line.extracting(last: line.count - position - 1)
        if word.equals("ready") { return .request(.command(.clearTube(tube, .pending))) }
        if word.equals("delayed") { return .request(.command(.clearTube(tube, .delayed))) }
        if word.equals("buried") { return .request(.command(.clearTube(tube, .buried))) }
        return malformed
    }

    private static func put(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard
            let priority = uint32(line, at: &position),
            let delay = uint32(line, at: &position),
            let timeToRun = uint32(line, at: &position),
            let size = uint32(line, at: &position)
        else { return malformed }
        return .put(
            PutHeader(
                priority: priority,
                delay: delay,
                timeToRun: timeToRun,
                size: Int(size),
                hasTrailingBytes: position < line.count
            )
        )
    }

    /// What stands behind the number is ignored.
    private static func reserveWithTimeout(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard let seconds = uint32(line, at: &position), seconds <= UInt32(Int32.max) else { return malformed }
        return .request(.command(.reserveWithTimeout(seconds: seconds)))
    }

    private static func release(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard
            let id = taskID(line, at: &position),
            let priority = uint32(line, at: &position),
            let delay = uint32(line, at: &position),
            position == line.count
        else { return malformed }
        return .request(.command(.release(id, priority: priority, delay: delay)))
    }

    private static func bury(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard
            let id = taskID(line, at: &position),
            let priority = uint32(line, at: &position),
            position == line.count
        else { return malformed }
        return .request(.command(.bury(id, priority: priority)))
    }

    /// The bound is read as C's `strtoul` reads it: any white space and a sign may precede the number, what follows is
    /// ignored, a negative one wraps around, and the low 32 bits are what counts.
    private static func kick(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        while position < line.count, isSpace(line[position]) { position += 1 }
        var isNegative = false
        if position < line.count, line[position] == UInt8(ascii: "-") || line[position] == UInt8(ascii: "+") {
            isNegative = line[position] == UInt8(ascii: "-")
            position += 1
        }
        guard let number = line.digits(at: &position) else { return malformed }
        let bound = UInt32(truncatingIfNeeded: isNegative ? 0 &- number : number)
        return .request(.command(.kick(bound: bound)))
    }

    /// The name is all name characters that come, so that a bad first one is found only after the number; by then the
    /// command has been counted.
    private static func pauseTube(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        line.skipSpaces(at: &position)
        let nameStart = position
        while position < line.count, TubeName.isNameByte(line[position]) { position += 1 }
        let nameEnd = position
        guard
            nameEnd > nameStart,
            let seconds = uint32(line, at: &position),
            position == line.count
        else { return malformed }
        guard let name = line.tubeName(in: nameStart..<nameEnd) else {
            return .request(.refused(with: .badFormat, countedAs: .pauseTube))
        }
        return .request(.command(.pauseTube(name, seconds: seconds)))
    }

    /// Spaces and a number up to 2³²−1.
    private static func uint32(_ line: Span<UInt8>, at position: inout Int) -> UInt32? {
        line.skipSpaces(at: &position)
        return line.digits(at: &position).flatMap { UInt32(exactly: $0) }
    }

    /// Spaces and a number up to 2⁶⁴−1.
    ///
    /// Ids end at 2⁶³−1; a larger number is well formed, and what it names does not exist.
    private static func taskID(_ line: Span<UInt8>, at position: inout Int) -> TaskID? {
        line.skipSpaces(at: &position)
        return line.digits(at: &position).map { TaskID(rawValue: Int64(exactly: $0) ?? -1) }
    }

    /// C's `isspace`.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8.space || (UInt8(ascii: "\t")...UInt8.carriageReturn).contains(byte)
    }
}
