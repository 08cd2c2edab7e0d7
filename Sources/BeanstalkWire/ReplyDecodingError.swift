/// The reason why a server's bytes are not a reply of the protocol.
public struct ReplyDecodingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line for a person, with the start of what was received.
    public var message: String

    /// Makes an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message alone, which is written for a person.
    public var description: String { message }
}
