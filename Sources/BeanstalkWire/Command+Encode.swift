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
        case .reserveJob(let id): writeLine("reserve-job ", id.rawValue)
        case .delete(let id): writeLine("delete ", id.rawValue)
        case .release(let id, let priority, let delay):
            writeStaticString("release ")
            writeDecimal(id.rawValue)
            writeArgument(priority)
            writeArgument(delay)
            writeLineEnd()
        case .bury(let id, let priority):
            writeStaticString("bury ")
            writeDecimal(id.rawValue)
            writeArgument(priority)
            writeLineEnd()
        case .touch(let id): writeLine("touch ", id.rawValue)
        case .watch(let tube): writeLine("watch ", tube)
        case .ignore(let tube): writeLine("ignore ", tube)
        case .peek(let id): writeLine("peek ", id.rawValue)
        case .peekReady: writeLine("peek-ready")
        case .peekDelayed: writeLine("peek-delayed")
        case .peekBuried: writeLine("peek-buried")
        case .kick(let bound): writeLine("kick ", bound)
        case .kickJob(let id): writeLine("kick-job ", id.rawValue)
        case .statsJob(let id): writeLine("stats-job ", id.rawValue)
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
}
