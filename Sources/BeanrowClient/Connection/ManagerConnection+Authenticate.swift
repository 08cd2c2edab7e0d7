internal import BeanstalkWire
internal import NIOCore
internal import TaskStore

extension ManagerConnection {
    /// Sends the client's token as the first command of a new connection, and waits for the answer.
    ///
    /// A manager that asks for no token, or another server, does not know the command. It is used as it is.
    ///
    /// - Parameter token: the token; `nil` for none.
    /// - Returns: this connection. Fails with ``ClientError/Code/unauthorized`` if the manager does not know the token.
    func authenticated(with token: AccessToken?) -> EventLoopFuture<ManagerConnection> {
        guard let token else { return closed.eventLoop.makeSucceededFuture(self) }
        return send([.auth(token)]).future
            .flatMapThrowing { result in
                let reply = try result.reply(at: 0)
                if reply == .authenticated || reply == .unknownCommand { return self }
                let error = reply.refusal ?? ClientError(.protocolViolation, "unexpected answer to auth")
                self.close(error)
                throw error
            }
    }
}
