import Testing

/// A task in a reply.
struct ReceivedTask: Equatable, CustomStringConvertible {
    /// Its id.
    var id: Int

    /// Its body.
    var body: String

    /// The id and the body.
    var description: String { "\(id) \(body)" }
}

extension BeanstalkSocket {
    /// Sends a command line, and returns the answer line.
    func ask(_ command: String) throws -> String {
        try send(command + "\r\n")
        return try line()
    }

    /// Sends a command line, and expects a certain answer line.
    ///
    /// Another answer ends the test, since later answers would be read as those of other commands.
    func ask(_ command: String, _ answer: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try send(command + "\r\n")
        try expect(answer, "to \(command)", sourceLocation: sourceLocation)
    }

    /// Expects certain lines, in this order.
    func expect(
        _ lines: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for expected in lines {
            let line = try line()
            try #require(line == expected, sourceLocation: sourceLocation)
        }
    }

    private func expect(_ expected: String, _ comment: Comment, sourceLocation: SourceLocation) throws {
        let line = try line()
        try #require(line == expected, comment, sourceLocation: sourceLocation)
    }

    // MARK: Producers

    /// Puts a task and returns its id.
    @discardableResult
    func put(
        _ body: String,
        priority: UInt32 = 0,
        delay: UInt32 = 0,
        timeToRun: UInt32 = 600,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Int {
        try send("put \(priority) \(delay) \(timeToRun) \(body.utf8.count)\r\n\(body)\r\n")
        let answer = try line()
        let words = answer.split(separator: " ")
        try #require(words.count == 2 && words[0] == "INSERTED", "\(answer)", sourceLocation: sourceLocation)
        return try #require(Int(words[1]), sourceLocation: sourceLocation)
    }

    /// Uses a tube for later puts.
    func use(_ tube: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try ask("use \(tube)", "USING \(tube)", sourceLocation: sourceLocation)
    }

    /// Watches only this tube.
    func watchOnly(_ tube: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try ask("watch \(tube)", "WATCHING 2", sourceLocation: sourceLocation)
        try ask("ignore default", "WATCHING 1", sourceLocation: sourceLocation)
    }

    // MARK: Consumers

    /// Claims a task, and waits for it.
    @discardableResult
    func reserve(sourceLocation: SourceLocation = #_sourceLocation) throws -> ReceivedTask {
        try send("reserve\r\n")
        return try task("RESERVED", sourceLocation: sourceLocation)
    }

    /// Claims a task, or returns `nil` if there is none.
    func reserveNow(sourceLocation: SourceLocation = #_sourceLocation) throws -> ReceivedTask? {
        try send("reserve-with-timeout 0\r\n")
        return try taskUnless("TIMED_OUT", sourceLocation: sourceLocation)
    }

    /// Receives an answer that must be a task.
    @discardableResult
    func task(_ word: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> ReceivedTask {
        let answer = try taskOrLine(word)
        return try #require(answer.task, "\(answer.line)", sourceLocation: sourceLocation)
    }

    /// Receives an answer that is a task or one other line.
    func taskUnless(_ other: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> ReceivedTask? {
        let answer = try taskOrLine("RESERVED")
        if answer.task == nil { try #require(answer.line == other, sourceLocation: sourceLocation) }
        return answer.task
    }

    /// Receives an answer that may be a task or any line.
    func taskOrLine(_ word: String) throws -> (line: String, task: ReceivedTask?) {
        let line = try line()
        let words = line.split(separator: " ")
        guard words.count == 3, words[0] == word, let id = Int(words[1]), let size = Int(words[2]) else {
            return (line, nil)
        }
        let body = try receive(size)
        guard try receive(2) == Array("\r\n".utf8) else {
            throw SocketError(message: "no line end after the body of \(line)")
        }
        return (line, ReceivedTask(id: id, body: String(decoding: body, as: UTF8.self)))
    }

    // MARK: Looking

    /// Sends one of the `peek` commands.
    ///
    /// Returns `nil` if there is no task.
    func peek(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> ReceivedTask? {
        try send(command + "\r\n")
        let answer = try taskOrLine("FOUND")
        if answer.task == nil { try #require(answer.line == "NOT_FOUND", sourceLocation: sourceLocation) }
        return answer.task
    }

    /// Sends a command that answers with `OK` and data, and returns the data.
    func data(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> String {
        let answer = try ask(command)
        let words = answer.split(separator: " ")
        try #require(words.count == 2 && words[0] == "OK", "\(answer)", sourceLocation: sourceLocation)
        let size = try #require(Int(words[1]), sourceLocation: sourceLocation)
        let data = try receive(size)
        try #require(try receive(2) == Array("\r\n".utf8), sourceLocation: sourceLocation)
        return String(decoding: data, as: UTF8.self)
    }

    /// Sends one of the `stats` commands.
    func statistics(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Statistics {
        try Statistics(try data(command, sourceLocation: sourceLocation))
    }

    /// Sends one of the `list` commands that answer with names.
    func list(_ command: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> [String] {
        let lines = try data(command, sourceLocation: sourceLocation).split(separator: "\n")
        try #require(lines.first == "---", sourceLocation: sourceLocation)
        try #require(lines.dropFirst().allSatisfy { $0.hasPrefix("- ") }, sourceLocation: sourceLocation)
        return lines.dropFirst().map { String($0.dropFirst(2)) }
    }
}

/// The answer to a `stats` command.
struct Statistics {
    /// The keys, in the order of the answer.
    var keys: [String] = []

    /// The values, without the quotation marks around names that beanstalkd writes since 1.13.
    var values: [String: String] = [:]

    /// Reads the data of the answer.
    init(_ yaml: String) throws {
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == "---", lines.last == "" else { throw HarnessError("not as expected:\n\(yaml)") }
        for line in lines.dropFirst().dropLast() {
            guard let colon = line.firstRange(of: ": ") else { throw HarnessError("no key: \(line)") }
            let key = String(line[..<colon.lowerBound])
            keys.append(key)
            values[key] = String(line[colon.upperBound...]).trimmingQuotationMarks
        }
    }

    /// A value, as text.
    subscript(key: String) -> String? { values[key] }

    /// A value that is a number.
    subscript(number key: String) -> Int? { values[key].flatMap(Int.init) }
}

extension String {
    /// The text without quotation marks around it.
    fileprivate var trimmingQuotationMarks: String {
        count >= 2 && hasPrefix("\"") && hasSuffix("\"") ? String(dropFirst().dropLast()) : self
    }
}
