internal import BeanstalkWire
internal import TaskStore

/// The commands that concern the session itself, or that need more of it than their arguments.
extension BatchBuilder {
    /// Adds a command other than a put, a `reserve`, or a command that the store carries out alone.
    ///
    /// - Returns: whether the next request may be tried in this batch.
    mutating func addCommand(
        _ command: Command,
        of session: Session,
        _ share: inout SessionShare,
        _ sessions: inout SessionRegistry
    ) -> Bool {
        // A command that is carried out in steps cannot be deferred behind a claim that has to wait.
        if case .kick(let bound) = command, share.mayWait, Int(bound) > room.rows {
            session.queue.putBack(.command(command))
            return false
        }
        let traits = command.verb.traits
        share.use(for: traits)
        add(command, of: session, &sessions)
        return !traits.endsBatch && session.longCommand == nil
    }

    private mutating func add(_ command: Command, of session: Session, _ sessions: inout SessionRegistry) {
        switch command {
        case .put, .reserve, .reserveWithTimeout, .store:
            break  // They have been told apart by addFirstRequest(of:_:_:at:).
        case .use(let tube):
            addUse(of: tube, by: session)
        case .watch(let tube):
            addWatch(of: tube, by: session, &sessions)
        case .ignore(let tube):
            addIgnore(of: tube, by: session)
        case .peekNext(let state):
            add(.peekNext(session.usedTube, state), .command(.init(command)), for: session, &sessions)
        case .kick(let bound):
            addKick(bound: Int(bound), command, of: session, &sessions)
        case .listTubeUsed:
            append(answer: .using(session.usedTube), verb: command.verb, to: session)
        case .listTubesWatched:
            append(answer: .ok(YAMLText.render(session.watchedTubes)), verb: command.verb, to: session)
        case .quit:
            session.quit()
            sessions.markReady(session)
        case .session(let name):
            begin(.attach(name.of(session.principalName)), for: session, &sessions)
        case .auth:
            refuseAuthentication(of: session, &sessions)
        case .clearTube(let tube, let state):
            begin(.clear(tube, state), for: session, &sessions)
        case .moveTube(let source, let target, let state, let limit):
            begin(.move(from: source, to: target, state, limit: Int(limit)), for: session, &sessions)
        case .endSession(let number):
            begin(.endSession(number), for: session, &sessions)
        }
    }

    private mutating func addUse(of tube: TubeName, by session: Session) {
        if tube != session.usedTube {
            append(countOf: tube, using: 1, for: session)
            append(countOf: session.usedTube, using: -1, for: session)
            session.use(tube)
        }
        append(answer: .using(tube), verb: .use, to: session)
    }

    private mutating func addWatch(of tube: TubeName, by session: Session, _ sessions: inout SessionRegistry) {
        if !session.watchedTubes.contains(tube) {
            let watched = session.watchedTubes.count
            let allowed = MemoryBudget.watchesAllowed
            let more = MemoryBudget.more(than: watched, allowed: allowed, left: sessions.watchesLeft)
            guard watched < limits.watchedTubes, more > 0 else {
                return append(answer: .outOfMemory, verb: .watch, to: session)
            }
            sessions.watchesLeft -= 1
            append(countOf: tube, watching: 1, for: session)
            session.watch(tube)
        }
        append(answer: .watching(session.watchedTubes.count), verb: .watch, to: session)
    }

    private mutating func addIgnore(of tube: TubeName, by session: Session) {
        if session.watchedTubes.contains(tube) {
            guard session.watchedTubes.count > 1 else {
                return append(answer: .notIgnored, verb: .ignore, to: session)
            }
            append(countOf: tube, watching: -1, for: session)
            session.ignore(tube)
        }
        append(answer: .watching(session.watchedTubes.count), verb: .ignore, to: session)
    }

    private mutating func addKick(
        bound: Int,
        _ command: Command,
        of session: Session,
        _ sessions: inout SessionRegistry
    ) {
        guard bound <= room.rows else {
            return begin(.kick(session.usedTube, bound: bound), for: session, &sessions)
        }
        room.rows -= bound
        add(.kick(session.usedTube, bound: bound), .command(.init(command)), for: session, &sessions)
    }
}
