public import NIOCore
import TaskStore

extension ByteBuffer {
    /// Appends a reply in the form of the wire.
    ///
    /// - Parameter reply: the reply; its chunk, if it has one, is copied.
    public mutating func writeReply(_ reply: Reply) {
        switch reply {
        case .inserted(let id): writeLine("INSERTED ", id.rawValue)
        case .buriedTask(let id): writeLine("BURIED ", id.rawValue)
        case .expectedCRLF: writeLine("EXPECTED_CRLF")
        case .jobTooBig: writeLine("JOB_TOO_BIG")
        case .draining: writeLine("DRAINING")
        case .using(let tube): writeLine("USING ", tube)
        case .reserved(let id, let body): writeChunk(body, after: "RESERVED ", id.rawValue)
        case .deadlineSoon: writeLine("DEADLINE_SOON")
        case .timedOut: writeLine("TIMED_OUT")
        case .deleted: writeLine("DELETED")
        case .released: writeLine("RELEASED")
        case .buried: writeLine("BURIED")
        case .touched: writeLine("TOUCHED")
        case .watching(let count): writeLine("WATCHING ", count)
        case .notIgnored: writeLine("NOT_IGNORED")
        case .found(let id, let body): writeChunk(body, after: "FOUND ", id.rawValue)
        case .kicked(let count): writeLine("KICKED ", count)
        case .kickedTask: writeLine("KICKED")
        case .ok(let data):
            writeStaticString("OK ")
            writeChunk(data)
        case .paused: writeLine("PAUSED")
        case .notFound: writeLine("NOT_FOUND")
        case .outOfMemory: writeLine("OUT_OF_MEMORY")
        case .internalError: writeLine("INTERNAL_ERROR")
        case .badFormat: writeLine("BAD_FORMAT")
        case .unknownCommand: writeLine("UNKNOWN_COMMAND")
        case .session(let claims): writeLine("SESSION ", claims)
        case .sessionTaken: writeLine("SESSION_TAKEN")
        case .exists(let id): writeLine("EXISTS ", id.rawValue)
        case .cleared(let count): writeLine("CLEARED ", count)
        case .broken: writeLine("BROKEN")
        case .ended: writeLine("ENDED")
        case .serving: writeLine("SERVING")
        case .movedTask: writeLine("MOVED")
        case .moved(let count): writeLine("MOVED ", count)
        case .edited: writeLine("EDITED")
        case .authenticated: writeLine("AUTHENTICATED")
        case .unauthorized: writeLine("UNAUTHORIZED")
        case .forbidden: writeLine("FORBIDDEN")
        }
    }
}
