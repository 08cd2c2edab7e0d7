internal import BeanstalkWire
internal import NIOCore

/// A request that was handed to a connection.
struct PendingRequest: Sendable {
    let future: EventLoopFuture<RequestEnding>
    private let cancel: @Sendable () -> Void

    init(future: EventLoopFuture<RequestEnding>, cancel: @escaping @Sendable () -> Void) {
        self.future = future
        self.cancel = cancel
    }

    /// Waits for the end, also where the task is cancelled: there is an answer or the connection is given up soon.
    func ending() async -> RequestEnding {
        await withCheckedContinuation { continuation in
            future.whenComplete { result in
                switch result {
                case .success(let ending): continuation.resume(returning: ending)
                case .failure(let error):
                    continuation.resume(returning: .notSent(ClientError(.notConnected, "\(error)")))
                }
            }
        }
    }

    /// Waits for the end; where the task is cancelled the request is given up.
    ///
    /// A request that can bring tasks is given up by closing its connection, for then the manager gives them back.
    func endingUnlessCancelled() async -> RequestEnding {
        await withTaskCancellationHandler {
            await ending()
        } onCancel: {
            cancel()
        }
    }
}
