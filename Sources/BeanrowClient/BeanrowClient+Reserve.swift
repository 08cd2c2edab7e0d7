internal import BeanstalkWire
public import TaskStore

extension BeanrowClient {
    /// Claims a task, waiting as long as it takes.
    ///
    /// It waits at one manager, which is enough: all share one store and wake each other. Now and then it goes on to
    /// the next picked one (``Options/longestWait``).
    ///
    /// - Parameter tubes: where from; not empty.
    /// - Returns: the claim.
    /// - Throws: ``ClientError``; where the task is cancelled a task that was just coming goes back into the queue.
    public func reserve(from tubes: Set<TubeName> = [.default]) async throws(ClientError) -> Claim {
        while true {
            if let claim = try await wait(pool.options.longestWait, tubes) { return claim }
        }
    }

    /// Claims a task if there is one within some time.
    ///
    /// - Parameters:
    ///   - tubes: where from; not empty.
    ///   - timeout: how long to wait; counted in whole seconds, rounded up. Zero asks once.
    /// - Returns: nothing where there was none.
    /// - Throws: ``ClientError``; where the task is cancelled a task that was just coming goes back into the queue.
    public func reserve(
        from tubes: Set<TubeName> = [.default],
        timeout: Duration
    ) async throws(ClientError) -> Claim? {
        let timekeeper = pool.options.timekeeper
        let end = timekeeper.now() + timeout
        while true {
            let left = max(.zero, end - timekeeper.now())
            let slice = min(left, pool.options.longestWait)
            if let claim = try await wait(slice, tubes) { return claim }
            if slice == left { return nil }
        }
    }

    /// Claims many tasks at once, as many as there are now, without waiting.
    ///
    /// Where the managers are picked anew for each task, each picked one is asked for its share.
    ///
    /// - Parameters:
    ///   - count: the most to claim.
    ///   - tubes: where from; not empty.
    /// - Returns: the claims, the most urgent first, or the oldest first where several managers were asked; none where
    ///   nothing was pending.
    /// - Throws: ``ClientError``; where the task is cancelled the tasks that were just coming go back into the queue.
    public func reserve(upTo count: Int, from tubes: Set<TubeName> = [.default]) async throws(ClientError) -> [Claim] {
        guard count > 0 else { return [] }
        try check(tubes)
        let shares = pool.shares(of: count)
        guard shares.count > 1 else {
            return try await pool.withManagers(beginningWith: shares.first?.index) { index in
                await ask(index, .now(count), tubes)
            }
        }
        let asked = await withTaskGroup(of: Attempt<[Claim]>.self) { group in
            for (index, share) in shares {
                group.addTask { await self.ask(index, .now(share), tubes) }
            }
            return await group.reduce(into: [Attempt<[Claim]>]()) { $0.append($1) }
        }
        var claims: [Claim] = []
        var wasAnswered = false
        for case .done(let some) in asked {
            claims += some
            wasAnswered = true
        }
        if wasAnswered && !Task.isCancelled {
            return claims.sorted { $0.id < $1.id }
        }
        return try await pool.withManagers { index in await ask(index, .now(count), tubes) }
    }

    /// Claims a certain task, be it pending, delayed or buried.
    ///
    /// - Parameter id: the task's number.
    /// - Returns: nothing where there is no such task or somebody holds it.
    /// - Throws: ``ClientError``
    public func reserve(_ id: TaskID) async throws(ClientError) -> Claim? {
        try await pool.withManagers { index in await ask(index, .task(id), nil) }.first
    }

    /// Deletes many claimed tasks at once.
    ///
    /// - Parameter claims: what is done.
    /// - Returns: for each claim nothing, or why its task could not be deleted: see ``Claim/delete()``.
    public func delete(_ claims: [Claim]) async -> [Result<Void, ClientError>] {
        var results = [Result<Void, ClientError>](repeating: .success(()), count: claims.count)
        var requests: [(positions: [Int], request: PendingRequest)] = []
        let held = claims.indices.filter { position in
            let claim = claims[position]
            guard claim.lease.holds(claim.id) else {
                results[position] = .failure(claim.lost)
                return false
            }
            return true
        }
        let parts = Dictionary(grouping: held) { ObjectIdentifier(claims[$0].lease) }
        for positions in parts.values {
            let commands = positions.map { Command.delete(claims[$0].id) }
            requests.append((positions, claims[positions[0]].lease.session.lastConnection.send(commands)))
        }
        for (positions, request) in requests {
            let ending = await request.ending()
            for (place, position) in positions.enumerated() {
                do throws(ClientError) {
                    try await finishDeleting(claims[position], ending, at: place)
                } catch {
                    results[position] = .failure(error)
                }
            }
        }
        return results
    }

    private func finishDeleting(
        _ claim: Claim,
        _ ending: RequestEnding,
        at place: Int
    ) async throws(ClientError) {
        let reply: Reply
        do throws(ClientError) {
            reply = try ending.reply(at: place)
        } catch {
            // What was lost with a connection is repeated over the next one, a task at a time.
            guard claim.lease.session.name != nil else { throw error.mayHaveHappened ? error : claim.lost }
            return try await claim.finish(.delete(claim.id), after: error.mayHaveHappened ? error : nil)
        }
        let answer = try claim.accept(reply)
        claim.lease.finished(claim.id)
        guard answer == .deleted else { throw claim.lost }
    }

    private enum Asking {
        case now(Int)
        case waiting(seconds: UInt32)
        case task(TaskID)

        var commands: [Command] {
            switch self {
            case .now(let count): Array(repeating: .reserveWithTimeout(seconds: 0), count: count)
            case .waiting(let seconds): [.reserveWithTimeout(seconds: seconds)]
            case .task(let id): [.reserveJob(id)]
            }
        }
    }

    private func wait(_ time: Duration, _ tubes: Set<TubeName>) async throws(ClientError) -> Claim? {
        try check(tubes)
        let (seconds, attoseconds) = time.components
        let rounded = UInt32(clamping: attoseconds > 0 ? seconds + 1 : seconds)
        let wait = min(rounded, UInt32(Int32.max))
        return try await pool.withManagers { index in await ask(index, .waiting(seconds: wait), tubes) }.first
    }

    private func check(_ tubes: Set<TubeName>) throws(ClientError) {
        guard !tubes.isEmpty else { throw ClientError(.badFormat, "there is no tube to reserve from") }
    }

    private func ask(_ index: Int, _ asking: Asking, _ tubes: Set<TubeName>?) async -> Attempt<[Claim]> {
        let session: ClaimSession
        do throws(ClientError) {
            session = try await pool.session(index)
        } catch {
            return .withoutConnection(error)
        }
        let request = session.lastConnection.send(asking.commands, needs: ConnectionNeeds(watching: tubes))
        switch await request.endingUnlessCancelled() {
        case .answered(let replies):
            return take(replies, session)
        case .notSent(let error):
            pool.giveBack(session)
            return error.code == .cancelled ? .failed(error) : .elsewhere(error)
        case .lost(_, let error) where error.code == .cancelled:
            // The connection takes leave, and what was just coming is in the queue again.
            return .failed(error)
        case .lost(let replies, let error):
            return await recover(replies, session, error)
        }
    }

    /// Finds out, after the connection was lost, what the session has claimed.
    ///
    /// The manager may have claimed a task and not come to say so. Where the session holds just what was answered, that
    /// is ours. Where it holds more, nobody could name those tasks: all go back into the queue, seen by nobody.
    private func recover(_ replies: [Reply], _ session: ClaimSession, _ error: ClientError) async -> Attempt<[Claim]> {
        guard session.name != nil else { return .elsewhere(error) }
        do throws(ClientError) {
            let count = try await pool.resume(session, afterLosses: 1).claims
            let answered = replies.count { if case .reserved = $0 { true } else { false } }
            guard count == answered else {
                pool.giveUp(session)
                return .elsewhere(error)
            }
            if count > 0 { return take(replies, session) }
            pool.giveBack(session)
            return .elsewhere(error)
        } catch {
            pool.giveUp(session)
            let isOver = [.noManagerReachable, .cancelled, .closed].contains(error.code)
            return isOver ? .failed(error) : .elsewhere(error)
        }
    }

    private func take(_ replies: [Reply], _ session: ClaimSession) -> Attempt<[Claim]> {
        var tasks: [(id: TaskID, body: [UInt8])] = []
        var refusal: ClientError?
        for reply in replies {
            if case .reserved(let id, let body) = reply {
                tasks.append((id, body))
            } else if let error = reply.refusal, error.code != .notFound {
                refusal = error
            }
        }
        if let refusal, refusal.code == .sessionTaken {
            pool.wasTaken(session)
            return .elsewhere(refusal)
        }
        guard !tasks.isEmpty else {
            pool.giveBack(session)
            return refusal.map { .elsewhere($0) } ?? .done([])
        }
        let lease = ClaimLease(session: session, pool: pool, claimed: tasks.map(\.id))
        return .done(tasks.map { Claim(id: $0.id, body: $0.body, lease: lease) })
    }
}
