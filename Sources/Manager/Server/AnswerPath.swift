/// How the answers of a connection leave the process: a property of the listener that accepted it.
///
/// A writer must not find out by itself whether its channel has a socket. Behind TLS it has one too, and answers written to it
/// would leave as plain text.
enum AnswerPath {
    /// Straight to the socket, as long as that takes them. Only for listeners whose bytes travel as they are.
    case socket

    /// Through all handlers of the channel's pipeline.
    case pipeline
}
