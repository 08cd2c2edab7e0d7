internal import NIOCore

extension EventLoopFuture<ManagerConnection> {
    /// Waits for a connection, unless the calling task is cancelled.
    ///
    /// - Parameter unwanted: gets a connection that was made after the cancellation.
    /// - Returns: the connection.
    /// - Throws: ``ClientError``
    func connection(
        unwanted: @escaping @Sendable (ManagerConnection) -> Void
    ) async throws(ClientError) -> ManagerConnection {
        let first = OneShot<Result<ManagerConnection, any Error>>()
        whenComplete { result in
            if !first.set(result), case .success(let connection) = result {
                unwanted(connection)
            }
        }
        let result = await withTaskCancellationHandler {
            await first.value()
        } onCancel: {
            _ = first.set(.failure(ClientError(.cancelled, "the task was cancelled")))
        }
        switch result {
        case .success(let connection): return connection
        case .failure(let error as ClientError): throw error
        case .failure(let error): throw ClientError(.notConnected, "\(error)")
        }
    }
}
