public import NIOCore
import TaskStore

extension ByteBuffer {
    /// Appends a command as it stands on the wire.
    ///
    /// - Parameter command: the command; its body, if it has one, is copied.
    public mutating func writeCommand(_ command: Command) {
        switch command {
        case .put(let priority, let delay, let timeToRun, let body):
            writeStaticString("put ")
            writeDecimal(priority)
            writeArgument(delay)
            writeArgument(timeToRun)
            writeInteger(UInt8.space)
            writeChunk(body)
        case .use(let tube): writeLine("use ", tube)
        case .reserve: writeLine("reserve")
        case .reserveWithTimeout(let seconds): writeLine("reserve-with-timeout ", seconds)
        case .reserveJob(let id): writeLine("reserve-job ", Self.number(id))
        case .delete(let id): writeLine("delete ", Self.number(id))
        case .release(let id, let priority, let delay):
            writeStaticString("release ")
            writeDecimal(Self.number(id))
            writeArgument(priority)
            writeArgument(delay)
            writeLineEnd()
        case .bury(let id, let priority):
            writeStaticString("bury ")
            writeDecimal(Self.number(id))
            writeArgument(priority)
            writeLineEnd()
        case .touch(let id): writeLine("touch ", Self.number(id))
        case .watch(let tube): writeLine("watch ", tube)
        case .ignore(let tube): writeLine("ignore ", tube)
        case .peek(let id): writeLine("peek ", Self.number(id))
        case .peekReady: writeLine("peek-ready")
        case .peekDelayed: writeLine("peek-delayed")
        case .peekBuried: writeLine("peek-buried")
        case .kick(let bound): writeLine("kick ", bound)
        case .kickJob(let id): writeLine("kick-job ", Self.number(id))
        case .statsJob(let id): writeLine("stats-job ", Self.number(id))
        case .statsTube(let tube): writeLine("stats-tube ", tube)
        case .stats: writeLine("stats")
        case .listTubes: writeLine("list-tubes")
        case .listTubeUsed: writeLine("list-tube-used")
        case .listTubesWatched: writeLine("list-tubes-watched")
        case .pauseTube(let tube, let seconds):
            writeStaticString("pause-tube ")
            writeString(tube.text)
            writeArgument(seconds)
            writeLineEnd()
        case .quit: writeLine("quit")
        case .session(let name):
            writeStaticString("session ")
            writeString(name.text)
            writeLineEnd()
        case .putUnique(let key, let priority, let delay, let timeToRun, let body):
            writeStaticString("put-unique ")
            writeString(key.text)
            writeArgument(priority)
            writeArgument(delay)
            writeArgument(timeToRun)
            writeInteger(UInt8.space)
            writeChunk(body)
        case .clearTube(let tube, let state):
            writeStaticString("clear-tube ")
            writeString(tube.text)
            writeInteger(UInt8.space)
            writeString(state.wireName)
            writeLineEnd()
        }
    }

    /// An id as it is read back: what names no task is a number above all ids, for there is no sign in the protocol.
    private static func number(_ id: TaskID) -> UInt64 {
        UInt64(exactly: id.rawValue) ?? .max
    }
}
