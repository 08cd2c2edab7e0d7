/// The result of a request at one manager.
enum AttemptResult<Value: Sendable>: Sendable {
    /// The manager carried out the request.
    case done(Value)

    /// The request failed and must not be tried at another manager.
    case failed(ClientError)

    /// The request was certainly not carried out, and another manager may do it.
    case tryNext(ClientError)

    /// Returns the result of a request for which no connection could be made.
    static func withoutConnection(_ error: ClientError) -> AttemptResult {
        error.code == .notConnected ? .tryNext(error) : .failed(error)
    }
}
