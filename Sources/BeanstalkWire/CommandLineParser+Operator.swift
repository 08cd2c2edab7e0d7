import TaskStore

/// The arguments of the commands for operators, which are our own extensions (docs/protocol.md).
extension CommandLineParser {
    /// Returns the state that a word names, if tasks in it have an order.
    static func orderedState(_ word: Span<UInt8>) -> TaskState? {
        if word.equals("ready") { return .pending }
        if word.equals("delayed") { return .delayed }
        if word.equals("buried") { return .buried }
        return nil
    }

    static func endSession(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard let number = taskID(line, at: &position), position == line.count else { return malformed }
        return .request(.command(.endSession(number.rawValue)))
    }

    /// Parses the name of a manager, which is percent-encoded as the values of options are.
    static func drain(_ line: Span<UInt8>, from start: Int, _ isDraining: Bool) -> ParsedLine {
        var position = start
        guard let bytes = PercentEncoding.decode(line, at: &position), position == line.count,
            let name = CommandOptions.text(bytes)
        else { return malformed }
        return .request(.command(.drain(manager: name, isDraining)))
    }

    static func moveJob(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard let id = taskID(line, at: &position), let tube = tube(line, at: &position), position == line.count else {
            return malformed
        }
        return .request(.command(.moveJob(id, to: tube)))
    }

    static func moveTube(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        // Every name has a space in front; the first one was taken with the verb.
        var position = start - 1
        guard let source = tube(line, at: &position), let target = tube(line, at: &position),
            let word = word(line, at: &position), let state = orderedState(line.extracting(word)),
            let limit = uint32(line, at: &position), position == line.count
        else { return malformed }
        return .request(.command(.moveTube(from: source, to: target, state, limit: limit)))
    }

    static func editJob(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start
        guard let id = taskID(line, at: &position), var options = CommandOptions(line, from: position) else {
            return malformed
        }
        var (priority, delay, timeToRun): (UInt32?, UInt32?, UInt32?) = (nil, nil, nil)
        guard options.take("pri", into: &priority, CommandOptions.number),
            options.take("delay", into: &delay, CommandOptions.number),
            options.take("ttr", into: &timeToRun, CommandOptions.number), options.isEmpty
        else { return malformed }
        let edit = TaskEdit(priority: priority, delay: delay, timeToRun: timeToRun)
        return edit.isEmpty ? malformed : .request(.command(.editJob(id, edit)))
    }

    static func inspect(_ line: Span<UInt8>, from start: Int) -> ParsedLine {
        var position = start - 1
        guard let range = word(line, at: &position), let options = CommandOptions(line, from: position) else {
            return malformed
        }
        let what = line.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
        return InspectQuery(what, options).map { .request(.command(.inspect($0))) } ?? malformed
    }

    /// Finds a word behind at least one space.
    private static func word(_ line: Span<UInt8>, at position: inout Int) -> Range<Int>? {
        guard position < line.count, line[position] == UInt8.space else { return nil }
        line.skipSpaces(at: &position)
        let start = position
        while position < line.count, line[position] != UInt8.space { position += 1 }
        return position > start ? start..<position : nil
    }

    private static func tube(_ line: Span<UInt8>, at position: inout Int) -> TubeName? {
        word(line, at: &position).flatMap { line.tubeName(in: $0) }
    }
}
