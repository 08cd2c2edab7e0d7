/// How the answers of a connection leave the process: a property of the listener that accepted it.
///
/// A writer must not find out by itself whether its channel has a socket. Behind TLS it has one too, and answers
/// written to it would leave as plain text.
enum AnswerPath {
    /// Directly to the socket, as long as it takes them. Only for listeners that send bytes unchanged.
    case socket

    /// Through all handlers of the channel's pipeline.
    case pipeline
}
