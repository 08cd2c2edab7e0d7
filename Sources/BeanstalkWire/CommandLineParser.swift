import TaskStore

/// What a client's line says.
enum ParsedLine {
    /// A request that needs no body.
    case request(Request)

    /// A put whose body comes next.
    case put(PutHeader)
}

/// Parses the lines that clients send, as beanstalkd's `which_cmd` and `dispatch_cmd` do.
///
/// A command is known by what its line begins with, not by its first word, in beanstalkd's order of trying: so
/// `reserve-foo` is a malformed `reserve`, `quitX` quits, and `pause-tubefoo 5` pauses `foo`.
enum CommandLineParser {
    private static let unknown = ParsedLine.request(.refused(with: .unknownCommand, countedAs: nil))
    private static let malformed = ParsedLine.request(.refused(with: .badFormat, countedAs: nil))

    /// The verbs that begin with each byte, in the order in which they are tried.
    ///
    /// Verbs that a space has to follow come first, in the order of the table. The others are tried from long to short, since
    /// `list-tubes` is also how `list-tubes-watched` begins.
    private static let candidates: [[Verb]] = {
        var lists = [[Verb]](repeating: [], count: 256)
        let bare = Verb.allCases.filter { !needsSpace($0) }.sorted { $0.name.utf8.count > $1.name.utf8.count }
        for verb in Verb.allCases.filter(needsSpace) + bare {
            guard let first = verb.name.utf8.first else { continue }
            lists[Int(first)].append(verb)
        }
        return lists
    }()

    private static func needsSpace(_ verb: Verb) -> Bool {
        switch verb.traits.arguments {
        case .none, .ignored: false
        case .task, .tube: true
        // beanstalkd reads the tube's name right behind the verb.
        case .own: verb != .pauseTube
        }
    }

    /// Parses a line.
    ///
    /// - Parameter line: the line without CRLF.
    /// - Returns: a request, or a put that waits for its body.
    static func parse(_ line: Span<UInt8>) -> ParsedLine {
        guard !line.isEmpty else { return unknown }
        for verb in candidates[Int(line[0])] {
            let traits = verb.traits
            guard let end = line.end(of: traits.name) else { continue }
            let start: Int
            if needsSpace(verb) {
                guard end < line.count, line[end] == UInt8.space else { continue }
                start = end + 1
            } else {
                start = end
            }
            return parse(verb, traits.arguments, line, from: start)
        }
        return unknown
    }

    private static func parse(
        _ verb: Verb,
        _ arguments: VerbTraits.Arguments,
        _ line: Span<UInt8>,
        from start: Int
    ) -> ParsedLine {
        switch arguments {
        case .none(let command): start == line.count ? .request(.command(command)) : malformed
        case .ignored(let command): .request(.command(command))
        case .task(let action): task(line, from: start) { .store(verb, action($0)) }
        case .tube(let command): tube(line, from: start, command)
        case .own: parse(verb, line, from: start)
        }
    }

    /// Parses the arguments of a verb whose row in the table says ``VerbTraits/Arguments/own``.
    private static func parse(_ verb: Verb, _ line: Span<UInt8>, from start: Int) -> ParsedLine {
        switch verb {
        case .put: put(line, from: start)
        case .putUnique: putUnique(line, from: start)
        case .reserveWithTimeout: reserveWithTimeout(line, from: start)
        case .release: release(line, from: start)
        case .bury: bury(line, from: start)
        case .kick: kick(line, from: start)
        case .pauseTube: pauseTube(line, from: start)
        case .session: session(line, from: start)
        case .clearTube: clearTube(line, from: start)
        default: unknown
        }
    }
}

// The arguments, command by command.
extension CommandLineParser {
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
        header.task.key = key
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
                task: NewTask(
                    tube: .default,
                    priority: priority,
                    delay: delay,
                    timeToRun: timeToRun,
                    body: []
                ),
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
