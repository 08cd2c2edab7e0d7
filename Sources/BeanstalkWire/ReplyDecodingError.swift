/// Why a server's bytes are no reply of the protocol.
public struct ReplyDecodingError: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line for a person, with the start of what was received.
    public var message: String

    /// Makes an error.
    public init(_ message: String) {
        self.message = message
    }

    /// The message alone: it is made for a person to read.
    public var description: String { message }
}
