internal import BeanstalkWire
internal import DequeModule
internal import TaskStore

/// The requests of one connection, in order: what to send next, and whose answer it is that came.
///
/// A pure state machine: it sends nothing and waits for nothing. `Sink` is whatever the owner wants to have back at a
/// request's end.
///
/// A request is some commands that are sent together. Where the connection is not set to what the request needs
/// (``ConnectionNeeds``), `use`, `watch` and `ignore` go first, and the request itself only once they were answered: a
/// put behind a `use` that failed would go to another tube.
struct RequestPipeline<Sink> {
    /// Some commands, sent together and answered together.
    struct Request {
        /// A number by which to cancel it.
        var id: Int

        /// What to send; not empty.
        var commands: [Command]

        /// What the connection must be set to.
        var needs: ConnectionNeeds

        /// The owner's.
        var sink: Sink
    }

    /// What an answer brought about.
    enum Received {
        /// The request has more answers to come, or nobody waits for it.
        case nothing

        /// A request ended.
        case ended(Sink, RequestEnding)

        /// This cannot be an answer; the connection is of no use any more.
        case violation(ClientError)
    }

    /// What cancelling brought about.
    enum Cancelled {
        /// There is no such request any more.
        case nothing

        /// The request ended.
        case ended(Sink, RequestEnding)

        /// A task may be on its way to it: only closing the connection gives it back.
        case mustClose
    }

    private struct Awaited: Sendable {
        var verb: Verb
        var seconds: UInt32
    }

    private enum Owner {
        case request(id: Int, Sink)
        case setup([Command], for: Int)
        case nobody
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

    /// Begins with a fresh connection.
    ///
    /// - Parameter limit: the most commands to have in flight; a larger request goes alone.
    init(limit: Int) {
        self.limit = limit
    }

    /// Whether an answer is due.
    var isAwaiting: Bool { !flights.isEmpty }

    /// Seconds that the manager may keep the command it is at waiting by the command's own word; none where that is for
    /// ever.
    var secondsToWait: UInt32? {
        guard let flight = flights.first else { return 0 }
        let awaited = flight.awaited[flight.replies.count]
        return awaited.verb == .reserve ? nil : awaited.seconds
    }

    /// Takes a request in.
    ///
    /// - Returns: why it cannot be sent any more, if so.
    mutating func submit(_ request: Request) -> ClientError? {
        if let failure { return failure.beforeSending }
        queue.append(request)
        return nil
    }

    /// Takes what is to be sent next, until there is nothing.
    mutating func next() -> [Command]? {
        guard failure == nil, !settingUp, let request = queue.first else { return nil }
        let setup = commandsToSet(request.needs)
        if !setup.isEmpty {
            settingUp = true
            fly(setup, owner: .setup(setup, for: request.id))
            return setup
        }
        guard unanswered == 0 || unanswered + request.commands.count <= limit else { return nil }
        queue.removeFirst()
        fly(request.commands, owner: .request(id: request.id, request.sink))
        return request.commands
    }

    /// Takes the next answer.
    mutating func received(_ reply: Reply) -> Received {
        guard let flight = flights.first, reply.answers(flight.awaited[flight.replies.count].verb) else {
            return .violation(
                ClientError(.protocolViolation, "the manager's answer does not fit what it was asked")
            )
        }
        unanswered -= 1
        flights[flights.startIndex].replies.append(reply)
        guard flights[flights.startIndex].replies.count == flight.awaited.count else { return .nothing }

        let done = flights.removeFirst()
        switch done.owner {
        case .request(_, let sink): return .ended(sink, .answered(done.replies))
        case .nobody: return .nothing
        case .setup(let commands, let id): return finishSetup(commands, done.replies, for: id)
        }
    }

    /// Gives a request up.
    mutating func cancel(_ id: Int) -> Cancelled {
        let error = ClientError(.cancelled, "the task was cancelled")
        if let position = queue.firstIndex(where: { $0.id == id }) {
            return .ended(queue.remove(at: position).sink, .notSent(error))
        }
        for position in flights.indices {
            guard case .request(id, let sink) = flights[position].owner else { continue }
            if flights[position].awaited.contains(where: \.verb.claims) { return .mustClose }
            flights[position].owner = .nobody
            return .ended(sink, .lost(answered: flights[position].replies, error))
        }
        return .nothing
    }

    /// Ends everything: the connection is gone.
    ///
    /// - Parameter error: why. The first reason given is the one that later requests are told.
    /// - Returns: every request that had not ended, in order.
    mutating func close(_ error: ClientError) -> [(sink: Sink, ending: RequestEnding)] {
        guard failure == nil else { return [] }
        failure = error
        var endings: [(sink: Sink, ending: RequestEnding)] = []
        for flight in flights {
            guard case .request(_, let sink) = flight.owner else { continue }
            endings.append((sink, .lost(answered: flight.replies, error.afterSending)))
        }
        for request in queue {
            endings.append((request.sink, .notSent(error.beforeSending)))
        }
        flights.removeAll()
        queue.removeAll()
        unanswered = 0
        return endings
    }

    private mutating func fly(_ commands: [Command], owner: Owner) {
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

    // New tubes are watched before old ones are ignored: the last one cannot be.
    private func commandsToSet(_ needs: ConnectionNeeds) -> [Command] {
        var commands: [Command] = []
        if let tube = needs.using, tube != using {
            commands.append(.use(tube))
        }
        if let tubes = needs.watching, tubes != watching {
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
        return .ended(request.sink, .notSent(refusal))
    }
}

extension RequestPipeline.Request: Sendable where Sink: Sendable {}
