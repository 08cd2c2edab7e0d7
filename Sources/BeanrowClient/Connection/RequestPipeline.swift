internal import BeanstalkWire
internal import DequeModule
internal import TaskStore

/// The requests of one connection, in order: which commands to send next, and which request an answer belongs to.
///
/// It is a state machine without I/O. `Promise` is any value that the owner wants to get back when a request ends.
///
/// A request is some commands that are sent together. If the connection is not in the state of the request
/// (``ChannelState``), `use`, `watch` and `ignore` are sent first. The request is sent when they were answered, since a
/// put after a failed `use` would go to another tube.
struct RequestPipeline<Promise> {
    /// Some commands that are sent together.
    struct Request {
        /// The number that ``RequestPipeline/cancel(_:)`` takes.
        var id: Int

        /// The commands; not empty.
        var commands: [Command]

        /// The state that the connection must be in.
        var state: ChannelState

        /// The owner's value.
        var promise: Promise
    }

    /// The effect of an answer.
    enum Received {
        /// The request has more answers to come, or it was cancelled.
        case nothing

        /// A request ended.
        case ended(Promise, RequestResult)

        /// The answer does not fit. The connection cannot be used any more.
        case violation(ClientError)
    }

    /// The effect of a cancellation.
    enum Cancelled {
        /// The request has ended before.
        case nothing

        /// The request ended.
        case ended(Promise, RequestResult)

        /// A task may be on its way to the request. Only closing the connection releases it.
        case mustClose
    }

    private struct Awaited: Sendable {
        var verb: Verb
        var seconds: UInt32
    }

    private enum Owner {
        case request(id: Int, Promise)
        case setup([Command], for: Int)
        case none
    }

    private struct Flight {
        var owner: Owner
        var awaited: [Awaited]
        var replies: [Reply] = []
    }

    private let limit: Int
    private var queue: Deque<Request> = []
    private var flights: Deque<Flight> = []
    private var unanswered = 0
    private var settingUp = false
    private var failure: ClientError?
    private var using = TubeName.default
    private var watching: Set<TubeName> = [.default]

    /// Starts with a new connection.
    ///
    /// - Parameter limit: the most commands in flight. A larger request is sent alone.
    init(limit: Int) {
        self.limit = limit
    }

    /// Whether a command has no answer yet.
    var isAwaiting: Bool { !flights.isEmpty }

    /// The time that the command which is answered next asks the manager to wait, in seconds.
    ///
    /// `nil` if it has no limit.
    var secondsToWait: UInt32? {
        guard let flight = flights.first else { return 0 }
        let awaited = flight.awaited[flight.replies.count]
        return awaited.verb == .reserve ? nil : awaited.seconds
    }

    /// Adds a request.
    ///
    /// - Returns: the error if no request can be sent any more, otherwise `nil`.
    mutating func submit(_ request: Request) -> ClientError? {
        if let failure { return failure.beforeSending }
        queue.append(request)
        return nil
    }

    /// Returns the commands to send next, or `nil` if there are none now.
    mutating func next() -> [Command]? {
        guard failure == nil, !settingUp, let request = queue.first else { return nil }
        let setup = commandsToSet(request.state)
        if !setup.isEmpty {
            settingUp = true
            launch(setup, owner: .setup(setup, for: request.id))
            return setup
        }
        guard unanswered == 0 || unanswered + request.commands.count <= limit else { return nil }
        queue.removeFirst()
        launch(request.commands, owner: .request(id: request.id, request.promise))
        return request.commands
    }

    /// Handles the next answer.
    mutating func received(_ reply: Reply) -> Received {
        guard let flight = flights.first, reply.answers(flight.awaited[flight.replies.count].verb) else {
            return .violation(
                ClientError(.protocolViolation, "the manager's answer does not fit the command")
            )
        }
        unanswered -= 1
        flights[flights.startIndex].replies.append(reply)
        guard flights[flights.startIndex].replies.count == flight.awaited.count else { return .nothing }

        let done = flights.removeFirst()
        switch done.owner {
        case .request(_, let promise): return .ended(promise, .answered(done.replies))
        case .none: return .nothing
        case .setup(let commands, let id): return finishSetup(commands, done.replies, for: id)
        }
    }

    /// Cancels a request.
    mutating func cancel(_ id: Int) -> Cancelled {
        let error = ClientError(.cancelled, "the task was cancelled")
        if let position = queue.firstIndex(where: { $0.id == id }) {
            return .ended(queue.remove(at: position).promise, .notSent(error))
        }
        for position in flights.indices {
            guard case .request(id, let promise) = flights[position].owner else { continue }
            if flights[position].awaited.contains(where: \.verb.claims) { return .mustClose }
            flights[position].owner = .none
            return .ended(promise, .lost(answered: flights[position].replies, error))
        }
        return .nothing
    }

    /// Ends all requests: the connection is lost.
    ///
    /// - Parameter error: the reason. Later requests get the first reason.
    /// - Returns: every request that had not ended, in order.
    mutating func close(_ error: ClientError) -> [(promise: Promise, result: RequestResult)] {
        guard failure == nil else { return [] }
        failure = error
        var results: [(promise: Promise, result: RequestResult)] = []
        for flight in flights {
            guard case .request(_, let promise) = flight.owner else { continue }
            results.append((promise, .lost(answered: flight.replies, error.afterSending)))
        }
        for request in queue {
            results.append((request.promise, .notSent(error.beforeSending)))
        }
        flights.removeAll()
        queue.removeAll()
        unanswered = 0
        return results
    }

    private mutating func launch(_ commands: [Command], owner: Owner) {
        unanswered += commands.count
        let awaited = commands.map { command in
            if case .reserveWithTimeout(let seconds) = command {
                Awaited(verb: command.verb, seconds: seconds)
            } else {
                Awaited(verb: command.verb, seconds: 0)
            }
        }
        flights.append(Flight(owner: owner, awaited: awaited))
    }

    // New tubes are watched before old ones are ignored, since the last watched tube cannot be ignored.
    private func commandsToSet(_ state: ChannelState) -> [Command] {
        var commands: [Command] = []
        if let tube = state.using, tube != using {
            commands.append(.use(tube))
        }
        if let tubes = state.watching, tubes != watching {
            commands += tubes.subtracting(watching).sorted().map(Command.watch)
            commands += watching.subtracting(tubes).sorted().map(Command.ignore)
        }
        return commands
    }

    private mutating func finishSetup(_ commands: [Command], _ replies: [Reply], for id: Int) -> Received {
        settingUp = false
        var refusal: ClientError?
        for (command, reply) in zip(commands, replies) {
            if let error = reply.refusal {
                refusal = refusal ?? error
                continue
            }
            switch command {
            case .use(let tube): using = tube
            case .watch(let tube): watching.insert(tube)
            case .ignore(let tube): watching.remove(tube)
            default: break
            }
        }
        guard let refusal, queue.first?.id == id, let request = queue.popFirst() else { return .nothing }
        return .ended(request.promise, .notSent(refusal))
    }
}

extension RequestPipeline.Request: Sendable where Promise: Sendable {}
