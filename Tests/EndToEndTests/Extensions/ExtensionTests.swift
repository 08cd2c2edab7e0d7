import Testing

/// The extensions of the protocol, rule by rule, in the order of docs/protocol.md.
@Suite(.onOwnThread, .enabled(if: TestSettings.isBeanrow, "beanstalkd has no extensions"))
enum ExtensionTests {}

extension BeanstalkSocket {
    /// Attaches a named session.
    ///
    /// - Returns: the number of its claims.
    @discardableResult
    func attach(_ session: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Int {
        let answer = try ask("session \(session)")
        let words = answer.split(separator: " ")
        try #require(words.count == 2 && words[0] == "SESSION", "\(answer)", sourceLocation: sourceLocation)
        return try #require(Int(words[1]), sourceLocation: sourceLocation)
    }

    /// Puts a task with a key, and returns the answer.
    func putUnique(_ key: String, _ body: String, delay: UInt32 = 0) throws -> String {
        try send("put-unique \(key) 0 \(delay) 600 \(body.utf8.count)\r\n\(body)\r\n")
        return try line()
    }
}
