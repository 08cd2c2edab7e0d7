internal import Logging
internal import NIOCore
internal import TaskStore

extension Engine {
    /// Makes a channel that was just accepted one of the connections, or refuses it.
    ///
    /// - Parameters:
    ///   - channel: the channel.
    ///   - answerPath: how answers leave; a property of the channel's listener.
    ///   - origin: where the connection comes from.
    /// - Throws: the errors of the channel's pipeline.
    func admit(_ channel: any Channel, answerPath: AnswerPath, origin: ConnectionOrigin) throws {
        let pipeline = channel.pipeline.syncOperations
        if admission.admit(channel) {
            let grant = ReceiveGrant(memory)
            try channel.syncOptions?.setOption(.recvAllocator, value: GrantedReceiveAllocator(grant))
            channel.closeFuture.assumeIsolated().whenComplete { _ in grant.end() }
            try pipeline.addHandler(firstHandler(answerPath: answerPath, origin: origin))
        } else {
            try pipeline.addHandler(admission.refusal(channel))
        }
    }

    /// Closes connections whose clients have held half a command for too long.
    func closeStalled() {
        for connection in connections.values where connection.checkProgress() {
            logger.debug("a client did not complete its command in time")
            connection.abort()
        }
    }
}
