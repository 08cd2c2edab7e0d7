internal import BeanstalkWire
internal import TaskStore

/// What is known of some puts: put, or why not yet.
struct PutOutcomes: Sendable {
    private enum Outcome: Sendable {
        case settled(Result<TaskID, ClientError>)

        /// Not put as far as is known, for the last of these reasons. Where it may have been put all the same, it must
        /// only be repeated with its key.
        case open(ClientError?, mayBePut: Bool)
    }

    private var outcomes: [Outcome]

    /// Begins with tasks of which none was put.
    init(count: Int) {
        outcomes = Array(repeating: .open(nil, mayBePut: false), count: count)
    }

    /// The tasks that may be put through another manager.
    var unsettled: [Int] {
        outcomes.indices.filter { if case .open = outcomes[$0] { true } else { false } }
    }

    /// Whether one of them may be in the queue already.
    var needsKeys: Bool {
        outcomes.contains { if case .open(_, mayBePut: true) = $0 { true } else { false } }
    }

    /// Why one of them is not known to be in the queue; none where all are settled.
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

    /// Takes in how a request ended that put the tasks at these positions.
    ///
    /// - Parameters:
    ///   - positions: the tasks.
    ///   - ending: how it ended.
    ///   - hasKeys: whether the puts carried keys, so that they can be repeated.
    mutating func settle(_ positions: some Collection<Int>, _ ending: RequestEnding, hasKeys: Bool) {
        for (place, position) in positions.enumerated() {
            guard case .open(_, let mayBePut) = outcomes[position] else { continue }
            outcomes[position] = Self.outcome(place, ending, mayBePut: mayBePut, hasKeys: hasKeys)
        }
    }

    /// Settles all that are not.
    mutating func fail(_ error: ClientError) {
        for position in unsettled {
            guard case .open(_, let mayBePut) = outcomes[position] else { continue }
            outcomes[position] = .settled(Self.failure(error, mayBePut))
        }
    }

    private static let notSent = ClientError(.notConnected, "not sent")

    private static func failure(_ error: ClientError, _ mayBePut: Bool) -> Result<TaskID, ClientError> {
        guard mayBePut else { return .failure(error) }
        let message = "nobody knows whether the task was put: \(error.message)"
        return .failure(ClientError(.putOutcomeUnknown, message, address: error.address, attempts: error.attempts))
    }

    private static func outcome(_ place: Int, _ ending: RequestEnding, mayBePut: Bool, hasKeys: Bool) -> Outcome {
        if case .notSent(let error) = ending {
            return error.code == .cancelled ? .settled(failure(error, mayBePut)) : .open(error, mayBePut: mayBePut)
        }
        do throws(ClientError) {
            switch try ending.reply(at: place) {
            case .inserted(let id), .buriedTask(let id), .exists(let id):
                return .settled(.success(id))
            case let reply:
                let error = reply.refusal ?? ClientError(.protocolViolation, "unexpected answer to a put")
                let mayGoElsewhere = error.code == .draining || error.code == .outOfMemory
                return mayGoElsewhere ? .open(error, mayBePut: mayBePut) : .settled(failure(error, mayBePut))
            }
        } catch {
            let mayGoElsewhere = hasKeys && error.code != .cancelled
            return mayGoElsewhere ? .open(error, mayBePut: true) : .settled(failure(error, true))
        }
    }
}
