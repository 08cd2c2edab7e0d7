internal import BeanstalkWire
internal import TaskStore

/// What is known of some puts: put, surely not put, or unknown.
struct PutOutcomes: Sendable {
    private enum Outcome: Sendable {
        case settled(Result<TaskID, ClientError>)
        case surelyNotPut(ClientError?)
    }

    private var outcomes: [Outcome]

    /// Begins with tasks of which none was put.
    init(count: Int) {
        outcomes = Array(repeating: .surelyNotPut(nil), count: count)
    }

    /// The tasks that surely are not in the queue and may be put through another manager.
    var unsettled: [Int] {
        outcomes.indices.filter { if case .surelyNotPut = outcomes[$0] { true } else { false } }
    }

    /// Why one of them is not in the queue; none where all are settled.
    var lastRefusal: ClientError? {
        for outcome in outcomes.reversed() {
            if case .surelyNotPut(let error) = outcome {
                return error ?? ClientError(.notConnected, "not sent")
            }
        }
        return nil
    }

    /// The results; to be asked when all are settled.
    var results: [Result<TaskID, ClientError>] {
        outcomes.map { outcome in
            switch outcome {
            case .settled(let result): result
            case .surelyNotPut(let error): .failure(error ?? ClientError(.notConnected, "not sent"))
            }
        }
    }

    /// Takes in how a request ended that put the tasks at these positions.
    mutating func settle(_ positions: some Collection<Int>, _ ending: RequestEnding) {
        for (place, position) in positions.enumerated() {
            outcomes[position] = Self.outcome(place, ending)
        }
    }

    /// Settles all that are not.
    mutating func fail(_ error: ClientError) {
        for position in unsettled {
            outcomes[position] = .settled(.failure(error))
        }
    }

    private static func outcome(_ place: Int, _ ending: RequestEnding) -> Outcome {
        if case .notSent(let error) = ending {
            return error.code == .cancelled ? .settled(.failure(error)) : .surelyNotPut(error)
        }
        do throws(ClientError) {
            switch try ending.reply(at: place) {
            case .inserted(let id), .buriedTask(let id):
                return .settled(.success(id))
            case let reply:
                let error = reply.refusal ?? ClientError(.protocolViolation, "unexpected answer to a put")
                let mayGoElsewhere = error.code == .draining || error.code == .outOfMemory
                return mayGoElsewhere ? .surelyNotPut(error) : .settled(.failure(error))
            }
        } catch {
            let message = "nobody knows whether the task was put: \(error.message)"
            return .settled(.failure(ClientError(.putOutcomeUnknown, message, address: error.address)))
        }
    }
}
