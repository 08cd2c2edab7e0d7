internal import BeanstalkWire
public import TaskStore

extension BeanrowClient {
    /// Claims a task, and waits until there is one.
    ///
    /// It waits at one manager at a time. This is enough, since managers share one store and wake each other. After
    /// ``Options/longestWait`` it goes on to the next manager.
    ///
    /// - Parameter tubes: the tubes to claim from; not empty.
    /// - Returns: the claim.
    /// - Throws: ``ClientError``. If the calling task is cancelled, a queue task that was on its way goes back.
    public func reserve(from tubes: Set<TubeName> = [.default]) async throws(ClientError) -> Claim {
        while true {
            if let claim = try await wait(pool.options.longestWait, tubes) { return claim }
        }
    }

    /// Claims a task, and waits for one for a limited time.
    ///
    /// - Parameters:
    ///   - tubes: the tubes to claim from; not empty.
    ///   - timeout: the longest wait, rounded up to whole seconds. Zero asks once.
    /// - Returns: the claim, or `nil` if no task came in time.
    /// - Throws: ``ClientError``. If the calling task is cancelled, a queue task that was on its way goes back.
    public func reserve(
        from tubes: Set<TubeName> = [.default],
        timeout: Duration
    ) async throws(ClientError) -> Claim? {
        let clock = pool.options.clock
        let end = clock.now() + timeout
        while true {
            let left = max(.zero, end - clock.now())
            let slice = min(left, pool.options.longestWait)
            if let claim = try await wait(slice, tubes) { return claim }
            if slice == left { return nil }
        }
    }

    /// Claims the tasks that are pending now, up to a limit, without waiting.
    ///
    /// With ``ManagerSelection/roundRobin`` and ``ManagerSelection/random`` several managers are asked for a share
    /// each.
    ///
    /// - Parameters:
    ///   - count: the most tasks to claim.
    ///   - tubes: the tubes to claim from; not empty.
    /// - Returns: the claims, the most urgent first; if several managers were asked, the oldest first. Empty if no task
    ///   is pending.
    /// - Throws: ``ClientError``. If the calling task is cancelled, queue tasks that were on their way go back.
    public func reserve(upTo count: Int, from tubes: Set<TubeName> = [.default]) async throws(ClientError) -> [Claim] {
        guard count > 0 else { return [] }
        try check(tubes)
        let shares = pool.shares(of: count)
        guard shares.count > 1 else {
            return try await pool.withManagers(beginningWith: shares.first?.index) { index in
                await ask(index, .now(count), tubes)
            }
        }
        let asked = await withTaskGroup(of: AttemptResult<[Claim]>.self) { group in
            for (index, share) in shares {
                group.addTask { await self.ask(index, .now(share), tubes) }
            }
            return await group.reduce(into: [AttemptResult<[Claim]>]()) { $0.append($1) }
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

    /// Claims one task by its id.
    ///
    /// It may be pending, delayed or buried.
    ///
    /// - Parameter id: the task's id.
    /// - Returns: the claim, or `nil` if there is no such task or a session claims it.
    /// - Throws: ``ClientError``
    public func reserve(_ id: TaskID) async throws(ClientError) -> Claim? {
        try await pool.withManagers { index in await ask(index, .task(id), nil) }.first
    }

    /// Deletes many claimed tasks at once.
    ///
    /// - Parameter claims: the claims whose work is done.
    /// - Returns: for each claim success, or the error of ``Claim/delete()``, in the same order.
    public func delete(_ claims: [Claim]) async -> [Result<Void, ClientError>] {
        var results = [Result<Void, ClientError>](repeating: .success(()), count: claims.count)
        var requests: [(positions: [Int], request: PendingRequest)] = []
        let held = claims.indices.filter { position in
            let claim = claims[position]
            guard claim.group.holds(claim.id) else {
                results[position] = .failure(claim.lost)
                return false
            }
            return true
        }
        let parts = Dictionary(grouping: held) { ObjectIdentifier(claims[$0].group) }
        for positions in parts.values {
            let commands = positions.map { Command.delete(claims[$0].id) }
            requests.append((positions, claims[positions[0]].group.session.lastConnection.send(commands)))
        }
        for (positions, request) in requests {
            let result = await request.result()
            for (place, position) in positions.enumerated() {
                do throws(ClientError) {
                    try await finishDeleting(claims[position], result, at: place)
                } catch {
                    results[position] = .failure(error)
                }
            }
        }
        return results
    }

    private func finishDeleting(
        _ claim: Claim,
        _ result: RequestResult,
        at place: Int
    ) async throws(ClientError) {
        let reply: Reply
        do throws(ClientError) {
            reply = try result.reply(at: place)
        } catch {
            // A delete that was lost with its connection is repeated over another one, each task alone.
            guard claim.group.session.name != nil else { throw error.mayHaveHappened ? error : claim.lost }
            return try await claim.finish(.delete(claim.id), after: error.mayHaveHappened ? error : nil)
        }
        let answer = try claim.accept(reply)
        claim.group.finished(claim.id)
        guard answer == .deleted else { throw claim.lost }
    }

    private enum Request {
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

    private func ask(_ index: Int, _ kind: Request, _ tubes: Set<TubeName>?) async -> AttemptResult<[Claim]> {
        let session: ClaimSession
        do throws(ClientError) {
            session = try await pool.session(index)
        } catch {
            return .withoutConnection(error)
        }
        let request = session.lastConnection.send(kind.commands, requiring: ChannelState(watching: tubes))
        switch await request.resultUnlessCancelled() {
        case .answered(let replies):
            return take(replies, session)
        case .notSent(let error):
            pool.returnToPool(session)
            return error.code == .cancelled ? .failed(error) : .tryNext(error)
        case .lost(_, let error) where error.code == .cancelled:
            // The connection sends `quit`, and the manager puts a task that was on its way back into the queue.
            return .failed(error)
        case .lost(let replies, let error):
            return await recover(replies, session, error)
        }
    }

    /// Finds out what a session has claimed after its connection was lost.
    ///
    /// The manager may have claimed a task and the answer may be lost. If the session has the claims that were answered
    /// and no others, the client keeps them. If it has more, their ids are not known, so all of them are released. No
    /// client has seen their tasks.
    private func recover(_ replies: [Reply], _ session: ClaimSession, _ error: ClientError) async -> AttemptResult<
        [Claim]
    > {
        guard session.name != nil else { return .tryNext(error) }
        do throws(ClientError) {
            let count = try await pool.reattach(session, afterLosses: 1).claims
            let answered = replies.count { if case .reserved = $0 { true } else { false } }
            guard count == answered else {
                pool.releaseClaims(session)
                return .tryNext(error)
            }
            if count > 0 { return take(replies, session) }
            pool.returnToPool(session)
            return .tryNext(error)
        } catch {
            pool.releaseClaims(session)
            let isOver = [.noManagerReachable, .cancelled, .closed].contains(error.code)
            return isOver ? .failed(error) : .tryNext(error)
        }
    }

    private func take(_ replies: [Reply], _ session: ClaimSession) -> AttemptResult<[Claim]> {
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
            pool.wasAttachedElsewhere(session)
            return .tryNext(refusal)
        }
        guard !tasks.isEmpty else {
            pool.returnToPool(session)
            return refusal.map { .tryNext($0) } ?? .done([])
        }
        let group = ClaimGroup(session: session, pool: pool, claimed: tasks.map(\.id))
        return .done(tasks.map { Claim(id: $0.id, body: $0.body, group: group) })
    }
}
