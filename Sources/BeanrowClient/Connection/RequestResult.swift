internal import BeanstalkWire

/// The result of a request over one connection.
enum RequestResult: Sendable {
    /// All commands were answered.
    case answered([Reply])

    /// The request was sent, and then the connection was lost or the request was cancelled.
    ///
    /// The first commands may have been answered. It is not known whether the others were carried out.
    case lost(answered: [Reply], ClientError)

    /// No command was sent.
    case notSent(ClientError)

    /// Returns the answer to one command.
    ///
    /// - Parameter position: the position of the command in the request, from 0.
    /// - Returns: the answer.
    /// - Throws: ``ClientError`` if the command was not answered.
    func reply(at position: Int) throws(ClientError) -> Reply {
        switch self {
        case .answered(let replies):
            return replies[position]
        case .lost(let replies, let error):
            guard position < replies.count else { throw error }
            return replies[position]
        case .notSent(let error):
            throw error
        }
    }
}
