internal import BeanstalkWire
internal import NIOCore

/// A request that was passed to a connection.
struct PendingRequest: Sendable {
    let future: EventLoopFuture<RequestResult>
    private let cancel: @Sendable () -> Void

    init(future: EventLoopFuture<RequestResult>, cancel: @escaping @Sendable () -> Void) {
        self.future = future
        self.cancel = cancel
    }

    /// Waits for the result, also if the calling task is cancelled.
    ///
    /// The request timeout bounds the wait.
    func result() async -> RequestResult {
        await withCheckedContinuation { continuation in
            future.whenComplete { result in
                switch result {
                case .success(let result): continuation.resume(returning: result)
                case .failure(let error):
                    continuation.resume(returning: .notSent(ClientError(.notConnected, "\(error)")))
                }
            }
        }
    }

    /// Waits for the result.
    ///
    /// If the calling task is cancelled, the request is cancelled.
    ///
    /// A request that can claim tasks is cancelled by closing its connection, since then the manager releases them.
    func resultUnlessCancelled() async -> RequestResult {
        await withTaskCancellationHandler {
            await result()
        } onCancel: {
            cancel()
        }
    }
}
