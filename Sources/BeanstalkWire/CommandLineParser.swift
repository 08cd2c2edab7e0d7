import TaskStore

/// The parsed line of a client.
enum ParsedLine {
    /// A request that needs no body.
    case request(Request)

    /// A put whose body comes next.
    case put(PutHeader)
}

/// Parses the lines that clients send, as beanstalkd's `which_cmd` and `dispatch_cmd` do.
///
/// The beginning of the line decides, not its first word. The verbs are tried in beanstalkd's order. So `reserve-foo`
/// is a malformed `reserve`, `quitX` quits, and `pause-tubefoo 5` pauses `foo`.
enum CommandLineParser {
    static let unknown = ParsedLine.request(.refused(with: .unknownCommand, countedAs: nil))
    static let malformed = ParsedLine.request(.refused(with: .badFormat, countedAs: nil))

    /// A verb that a line may begin with.
    private struct Candidate {
        let verb: Verb
        let name: StaticString
        let syntax: VerbTraits.Syntax

        var needsSpace: Bool {
            switch syntax {
            case .bare, .ignored, .ownWithoutSpace: false
            case .task, .tube, .own: true
            }
        }

        init(_ verb: Verb) {
            self.verb = verb
            (name, syntax) = (verb.traits.name, verb.traits.syntax)
        }
    }

    /// The verbs that begin with each byte, in the order in which they are tried.
    ///
    /// Verbs that a space has to follow come first, in the order of the table. The others are tried from long to short,
    /// since `list-tubes` is also how `list-tubes-watched` begins.
    private static let candidates: [[Candidate]] = {
        let all = Verb.allCases.map(Candidate.init)
        let bare = all.filter { !$0.needsSpace }.sorted { $0.name.utf8CodeUnitCount > $1.name.utf8CodeUnitCount }
        var lists = [[Candidate]](repeating: [], count: 256)
        for candidate in all.filter(\.needsSpace) + bare {
            lists[Int(candidate.name.withUTF8Buffer { $0[0] })].append(candidate)
        }
        return lists
    }()

    /// Parses a line.
    ///
    /// - Parameter line: the line without CRLF.
    /// - Returns: a request, or a put that waits for its body.
    static func parse(_ line: Span<UInt8>) -> ParsedLine {
        // These are the most frequent commands. Finding them in the table would cost 130 to 190 instructions more.
        if let start = line.end(of: "put ") { return put(line, from: start) }
        if line.equals("reserve") { return .request(.command(.reserve)) }
        if let start = line.end(of: "delete ") { return delete(line, from: start) }
        guard !line.isEmpty else { return unknown }
        for candidate in candidates[Int(line[0])] {
            guard var start = line.end(of: candidate.name) else { continue }
            if candidate.needsSpace {
                guard start < line.count, line[start] == UInt8.space else { continue }
                start += 1
            }
            return parse(candidate.verb, candidate.syntax, line, from: start)
        }
        return unknown
    }

    private static func parse(
        _ verb: Verb,
        _ syntax: VerbTraits.Syntax,
        _ line: Span<UInt8>,
        from start: Int
    ) -> ParsedLine {
        switch syntax {
        case .bare: start == line.count ? request(Command(verb)) : malformed
        case .ignored: request(Command(verb))
        case .task: task(line, from: start, verb)
        case .tube: request(line.tubeName(in: start..<line.count).flatMap { Command(verb, $0) })
        case .own, .ownWithoutSpace: parse(verb, line, from: start)
        }
    }

    private static func request(_ command: Command?) -> ParsedLine {
        command.map { .request(.command($0)) } ?? malformed
    }

    /// Parses the arguments of a verb whose row in the table has ``VerbTraits/Syntax/own``.
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
        case .endSession: endSession(line, from: start)
        case .drainManager: drain(line, from: start, true)
        case .undrainManager: drain(line, from: start, false)
        case .moveJob: moveJob(line, from: start)
        case .moveTube: moveTube(line, from: start)
        case .editJob: editJob(line, from: start)
        case .inspect: inspect(line, from: start)
        case .auth: .request(.command(.auth(line.accessToken(from: start))))
        default: unknown
        }
    }
}

// The arguments, command by command.
extension CommandLineParser {
    private static func delete(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard let id = taskID(line, at: &position), position == line.count else { return malformed }
        return .request(.command(.delete(id)))
    }

    /// Parses a command whose only argument is a task's id.
    private static func task(_ line: Span<UInt8>, from start: Int, _ verb: Verb) -> ParsedLine {
        var position = start
        guard let id = taskID(line, at: &position), position == line.count else { return malformed }
        return request(Command(verb, id))
    }

    /// Parses the line of a put with a key in front of the numbers.
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
        guard let state = orderedState(line.extracting(last: line.count - position - 1)) else { return malformed }
        return .request(.command(.clearTube(tube, state)))
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

    /// Parses the seconds; text behind the number is ignored.
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

    /// Parses the bound as C's `strtoul` does.
    ///
    /// Any white space and a sign may precede the number, and text behind it is ignored. A negative number wraps
    /// around, and only the low 32 bits count.
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

    /// Parses a name and a number.
    ///
    /// The name is all name characters that follow, so a bad first character is found only after the number. By then
    /// the command has been counted.
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

    /// Parses spaces and a number up to 2³²−1.
    static func uint32(_ line: Span<UInt8>, at position: inout Int) -> UInt32? {
        line.skipSpaces(at: &position)
        return line.digits(at: &position).flatMap { UInt32(exactly: $0) }
    }

    /// Parses spaces and a number up to 2⁶⁴−1.
    ///
    /// Ids end at 2⁶³−1. A larger number is well formed, and no task has it.
    static func taskID(_ line: Span<UInt8>, at position: inout Int) -> TaskID? {
        line.skipSpaces(at: &position)
        return line.digits(at: &position).map { TaskID(rawValue: Int64(exactly: $0) ?? -1) }
    }

    /// Returns what C's `isspace` returns.
    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8.space || (UInt8(ascii: "\t")...UInt8.carriageReturn).contains(byte)
    }
}
