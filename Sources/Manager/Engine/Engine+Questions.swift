internal import NIOCore
internal import TaskStore

/// Questions of other parts of the process, such as the metrics: they need no connection, no session and no reply line.
extension Engine {
    /// Asks the store for actions, and the engine for its figures.
    ///
    /// The actions run as one transaction of their own after the present turn, so an error of theirs concerns no client.
    /// Actions that concern claims are refused, since no connection would hold them. Confined to the event loop.
    ///
    /// - Parameter actions: what to ask the store; may be empty.
    /// - Returns: the answer. It fails with ``StoreError``: ``StoreError/Code/refused`` for an action on claims, and
    ///   ``StoreError/Code/lost`` if the engine has ended.
    func ask(_ actions: [Action]) -> EventLoopFuture<EngineAnswer> {
        guard !actions.contains(where: { !$0.canBeAsked }) else {
            return eventLoop.makeFailedFuture(StoreError(.refused, "only connections have claims"))
        }
        guard phase != .ended else { return eventLoop.makeFailedFuture(Self.hasEnded) }
        let question = EngineQuestion(actions: actions, promise: eventLoop.makePromise())
        questions.append(question)
        scheduleTurn()
        return question.promise.futureResult
    }

    /// Answers the questions that have arrived.
    func answerQuestions() {
        guard !questions.isEmpty, stalled == nil, phase != .ended else { return }
        let arrived = questions
        questions.removeAll()
        for (index, question) in arrived.enumerated() {
            do {
                question.promise.succeed(
                    EngineAnswer(
                        outcomes: try answer(question.actions),
                        process: process.statistics(of: table.sessions)
                    )
                )
            } catch let error where error.code == .busy {
                questions.append(contentsOf: arrived[index...])
                return retryQuestionsLater()
            } catch let error where error.code == .lost {
                questions.append(contentsOf: arrived[index...])
                return giveUp(error)
            } catch {
                question.promise.fail(error)
            }
        }
    }

    private func answer(_ actions: [Action]) throws(StoreError) -> [Outcome] {
        guard !actions.isEmpty else { return [] }
        // Connections are counted from 1, so no connection has this number.
        let session = SessionID(connection: 0, of: store.manager)
        let operations = actions.map { Operation(session: session, action: $0) }
        let result = try store.run(Batch(operations, now: clock.now().timestamp))
        if result.needsDurability { try store.makeDurable() }
        note(result)
        return result.outcomes
    }

    private func retryQuestionsLater() {
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { self.scheduleTurn() }
    }

    /// Fails the questions that are left when the engine ends.
    func failQuestions() {
        let left = questions
        questions.removeAll()
        for question in left { question.promise.fail(Self.hasEnded) }
    }

    private static let hasEnded = StoreError(.lost, "the manager has stopped")
}

extension Action {
    /// Whether it needs no connection.
    fileprivate var canBeAsked: Bool {
        switch self {
        case .countUse, .disconnect, .attach: false
        default: !concernsClaims
        }
    }
}
