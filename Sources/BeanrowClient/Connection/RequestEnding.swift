internal import BeanstalkWire

/// How a request over one connection ended.
enum RequestEnding: Sendable {
    /// Every command was answered.
    case answered([Reply])

    /// It was sent, and then the connection was lost or the request given up; the first commands may have been
    /// answered. Of the others nobody knows.
    case lost(answered: [Reply], ClientError)

    /// Nothing of it was sent.
    case notSent(ClientError)

    /// The answer to the command at this place.
    ///
    /// - Throws: why there is none.
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
