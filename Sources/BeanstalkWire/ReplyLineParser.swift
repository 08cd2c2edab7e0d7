import TaskStore

/// The parsed line of a server.
enum ParsedReply {
    /// A reply without a chunk.
    case reply(Reply)

    /// A reply whose chunk comes next.
    case chunk(ChunkHeader)
}

/// The line of a reply whose chunk has not arrived yet.
struct ChunkHeader {
    /// What the chunk is.
    enum Kind {
        case reserved(TaskID)
        case found(TaskID)
        case ok
    }

    /// What the chunk is.
    var kind: Kind

    /// The chunk's length in bytes.
    var size: Int

    /// Returns the reply with its chunk.
    func reply(with bytes: [UInt8]) -> Reply {
        switch kind {
        case .reserved(let id): .reserved(id, body: bytes)
        case .found(let id): .found(id, body: bytes)
        case .ok: .ok(bytes)
        }
    }
}

/// Parses the lines that servers send.
///
/// It is stricter than the parser of clients' lines: a server writes one space between words, and nothing behind the
/// last word.
enum ReplyLineParser {
    /// Parses a line.
    ///
    /// - Parameter line: the line without CRLF.
    /// - Returns: `nil` if it is not a reply.
    static func parse(_ line: Span<UInt8>) -> ParsedReply? {
        if let position = line.end(of: "INSERTED ") { return id(line, from: position).map { .reply(.inserted($0)) } }
        if let position = line.end(of: "RESERVED ") {
            return chunk(line, from: position, ChunkHeader.Kind.reserved)
        }
        if line.equals("DELETED") { return .reply(.deleted) }
        if let position = line.end(of: "FOUND ") { return chunk(line, from: position, ChunkHeader.Kind.found) }
        if let position = line.end(of: "OK ") {
            return count(line, from: position).map { .chunk(ChunkHeader(kind: .ok, size: $0)) }
        }
        if let position = line.end(of: "BURIED ") { return id(line, from: position).map { .reply(.buriedTask($0)) } }
        if let position = line.end(of: "KICKED ") { return count(line, from: position).map { .reply(.kicked($0)) } }
        if let position = line.end(of: "WATCHING ") { return count(line, from: position).map { .reply(.watching($0)) } }
        if let position = line.end(of: "USING ") {
            return line.tubeName(in: position..<line.count).map { .reply(.using($0)) }
        }
        if let position = line.end(of: "EXISTS ") { return id(line, from: position).map { .reply(.exists($0)) } }
        if let position = line.end(of: "SESSION ") {
            return count(line, from: position).map { .reply(.session(claims: $0)) }
        }
        if let position = line.end(of: "CLEARED ") { return count(line, from: position).map { .reply(.cleared($0)) } }
        if let position = line.end(of: "MOVED ") { return count(line, from: position).map { .reply(.moved($0)) } }
        return word(line).map { .reply($0) }
    }

    private static func word(_ line: Span<UInt8>) -> Reply? {
        if line.equals("TIMED_OUT") { return .timedOut }
        if line.equals("NOT_FOUND") { return .notFound }
        if line.equals("RELEASED") { return .released }
        if line.equals("BURIED") { return .buried }
        if line.equals("TOUCHED") { return .touched }
        if line.equals("DEADLINE_SOON") { return .deadlineSoon }
        if line.equals("KICKED") { return .kickedTask }
        if line.equals("NOT_IGNORED") { return .notIgnored }
        if line.equals("PAUSED") { return .paused }
        if line.equals("DRAINING") { return .draining }
        if line.equals("JOB_TOO_BIG") { return .jobTooBig }
        if line.equals("EXPECTED_CRLF") { return .expectedCRLF }
        if line.equals("OUT_OF_MEMORY") { return .outOfMemory }
        if line.equals("INTERNAL_ERROR") { return .internalError }
        if line.equals("BAD_FORMAT") { return .badFormat }
        if line.equals("UNKNOWN_COMMAND") { return .unknownCommand }
        if line.equals("SESSION_TAKEN") { return .sessionTaken }
        if line.equals("BROKEN") { return .broken }
        if line.equals("ENDED") { return .ended }
        if line.equals("SERVING") { return .serving }
        if line.equals("MOVED") { return .movedTask }
        if line.equals("EDITED") { return .edited }
        if line.equals("AUTHENTICATED") { return .authenticated }
        if line.equals("UNAUTHORIZED") { return .unauthorized }
        if line.equals("FORBIDDEN") { return .forbidden }
        return nil
    }

    private static func id(_ line: Span<UInt8>, from start: Int) -> TaskID? {
        var position = start
        guard let number = line.digits(at: &position), position == line.count else { return nil }
        return Int64(exactly: number).map { TaskID(rawValue: $0) }
    }

    private static func count(_ line: Span<UInt8>, from start: Int) -> Int? {
        var position = start
        guard let number = line.digits(at: &position), position == line.count else { return nil }
        return Int(exactly: number)
    }

    private static func chunk(
        _ line: Span<UInt8>,
        from start: Int,
        _ kind: (TaskID) -> ChunkHeader.Kind
    ) -> ParsedReply? {
        var position = start
        guard
            let number = line.digits(at: &position),
            let id = Int64(exactly: number),
            position < line.count, line[position] == UInt8.space,
            let size = count(line, from: position + 1)
        else { return nil }
        return .chunk(ChunkHeader(kind: kind(TaskID(rawValue: id)), size: size))
    }
}
