public import NIOCore
import TaskStore

extension ByteBuffer {
    /// Appends a command in the form of the wire.
    ///
    /// - Parameter command: the command; its body, if it has one, is copied.
    public mutating func writeCommand(_ command: Command) {
        let verb = command.verb
        writeStaticString(verb.traits.name)
        switch command {
        case .put(let priority, let delay, let timeToRun, let body, let key):
            if let key { writeArgument(key.text) }
            writeArgument(priority)
            writeArgument(delay)
            writeArgument(timeToRun)
            writeInteger(UInt8.space)
            return writeChunk(body)
        case .use(let tube), .watch(let tube), .ignore(let tube): writeArgument(tube.text)
        case .reserveWithTimeout(let seconds): writeArgument(seconds)
        case .kick(let bound): writeArgument(bound)
        case .session(let name): writeArgument(name.text)
        case .clearTube(let tube, let state):
            writeArgument(tube.text)
            writeArgument(state.wireName)
        case .moveTube(let source, let target, let state, let limit):
            writeArgument(source.text)
            writeArgument(target.text)
            writeArgument(state.wireName)
            writeArgument(limit)
        case .endSession(let number): writeArgument(number)
        case .auth(let token): writeArgument(token?.text ?? "")
        case .store(_, let action): writeArguments(of: action)
        case .reserve, .peekNext, .listTubeUsed, .listTubesWatched, .quit: break
        }
        writeLineEnd()
    }

    private mutating func writeArguments(of action: Action) {
        if let task = action.task {
            // A negative id is sent as a number above all ids, since the protocol has no sign.
            writeArgument(UInt64(exactly: task.rawValue) ?? .max)
        }
        switch action {
        case .release(_, let priority, let delay):
            writeArgument(priority)
            writeArgument(delay)
        case .bury(_, let priority): writeArgument(priority)
        case .tubeStatistics(let tube): writeArgument(tube.text)
        case .pause(let tube, let seconds):
            writeArgument(tube.text)
            writeArgument(seconds)
        case .moveTask(_, let tube): writeArgument(tube.text)
        case .editTask(_, let edit):
            if let priority = edit.priority { writeArgument("pri=\(priority)") }
            if let delay = edit.delay { writeArgument("delay=\(delay)") }
            if let timeToRun = edit.timeToRun { writeArgument("ttr=\(timeToRun)") }
        case .setDraining(let manager, _): writeArgument(PercentEncoding.encode(manager.utf8))
        case .inspect(let query): for argument in query.arguments { writeArgument(argument) }
        default: break
        }
    }
}
