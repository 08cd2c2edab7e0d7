internal import BeanstalkWire
internal import TaskStore

/// The outcomes of some puts, as far as they are known.
struct PutOutcomes: Sendable {
    private enum Outcome: Sendable {
        case settled(Result<TaskID, ClientError>)

        /// Not known to be put. The error is the latest one. If the task may be in the queue, it must only be put again
        /// with its key.
        case open(ClientError?, mayBePut: Bool)
    }

    private var outcomes: [Outcome]

    /// Starts with tasks that are not put.
    init(count: Int) {
        outcomes = Array(repeating: .open(nil, mayBePut: false), count: count)
    }

    /// The positions of the tasks that may be put through another manager.
    var unsettled: [Int] {
        outcomes.indices.filter { if case .open = outcomes[$0] { true } else { false } }
    }

    /// Whether one of the unsettled tasks may be in the queue.
    var needsKeys: Bool {
        outcomes.contains { if case .open(_, mayBePut: true) = $0 { true } else { false } }
    }

    /// The latest error of an unsettled task, or `nil` if all tasks are settled.
    var lastRefusal: ClientError? {
        for outcome in outcomes.reversed() {
            if case .open(let error, _) = outcome { return error ?? Self.notSent }
        }
        return nil
    }

    /// The results so far.
    var results: [Result<TaskID, ClientError>] {
        outcomes.map { outcome in
            switch outcome {
            case .settled(let result): result
            case .open(let error, let mayBePut): Self.failure(error ?? Self.notSent, mayBePut)
            }
        }
    }

    /// Records the result of a request that put some tasks.
    ///
    /// - Parameters:
    ///   - positions: the positions of the tasks.
    ///   - result: the result of the request.
    ///   - hasKeys: whether the puts carried keys, so that they can be repeated.
    mutating func settle(_ positions: some Collection<Int>, _ result: RequestResult, hasKeys: Bool) {
        for (place, position) in positions.enumerated() {
            guard case .open(_, let mayBePut) = outcomes[position] else { continue }
            outcomes[position] = Self.outcome(place, result, mayBePut: mayBePut, hasKeys: hasKeys)
        }
    }

    /// Settles all unsettled tasks with an error.
    mutating func fail(_ error: ClientError) {
        for position in unsettled {
            guard case .open(_, let mayBePut) = outcomes[position] else { continue }
            outcomes[position] = .settled(Self.failure(error, mayBePut))
        }
    }

    private static let notSent = ClientError(.notConnected, "not sent")

    private static func failure(_ error: ClientError, _ mayBePut: Bool) -> Result<TaskID, ClientError> {
        guard mayBePut else { return .failure(error) }
        let message = "it is not known whether the task was put: \(error.message)"
        return .failure(ClientError(.putOutcomeUnknown, message, address: error.address, attempts: error.attempts))
    }

    private static func outcome(_ place: Int, _ result: RequestResult, mayBePut: Bool, hasKeys: Bool) -> Outcome {
        if case .notSent(let error) = result {
            return error.code == .cancelled ? .settled(failure(error, mayBePut)) : .open(error, mayBePut: mayBePut)
        }
        do throws(ClientError) {
            switch try result.reply(at: place) {
            case .inserted(let id), .buriedTask(let id), .exists(let id):
                return .settled(.success(id))
            case let reply:
                let error = reply.refusal ?? ClientError(.protocolViolation, "unexpected answer to a put")
                let allowsFailover = error.code == .draining || error.code == .outOfMemory
                return allowsFailover ? .open(error, mayBePut: mayBePut) : .settled(failure(error, mayBePut))
            }
        } catch {
            let allowsFailover = hasKeys && error.code != .cancelled
            return allowsFailover ? .open(error, mayBePut: true) : .settled(failure(error, true))
        }
    }
}
