/// The reason why a tokens file cannot be used.
public struct AccessError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong; no part of it is secret.
    public var message: String

    /// The number of the line that is wrong, from 1; `nil` if it is the whole file.
    public var line: Int?

    /// The path of the file; `nil` for a text that is not in a file.
    public var path: String?

    /// Makes an error.
    public init(_ message: String, line: Int? = nil, path: String? = nil) {
        self.message = message
        self.line = line
        self.path = path
    }

    /// One line for a person: the path, the number of the line, and what is wrong.
    public var description: String {
        [path, line.map { "line \($0)" }, message].compactMap { $0 }.joined(separator: ": ")
    }
}
