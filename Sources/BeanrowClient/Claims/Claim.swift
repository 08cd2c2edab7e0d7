internal import BeanstalkWire
public import TaskStore

/// A task that this client may work on until its time to run is over.
///
/// The claim belongs to a session at the managers. If the connection is lost, because a manager was stopped, killed or
/// restarted, the client keeps the claim. The next call attaches the session at any manager that can be reached, and
/// repeats the command if its answer was lost.
///
/// ``ClientError/Code/claimLost`` means that the client does not claim the task any more. Its time to run is over, it
/// was finished before, another client has removed it, another connection has attached the session, or the client was
/// closed. A server without the `session` command, such as beanstalkd, ends a claim with its connection.
///
/// If no manager can be reached until ``BeanrowClient/Options/failoverTimeout``, a call throws
/// ``ClientError/Code/noManagerReachable`` if nothing was sent, otherwise ``ClientError/Code/connectionLost``. The call
/// may be repeated: the claim lasts until its time to run is over.
///
/// Finish a claim with ``delete()``, ``release(priority:delay:)`` or ``bury(priority:)``. If the last reference to it
/// is gone before, or the client is closed, its task goes back into the queue at once. If the process is killed, the
/// task goes back when its time to run is over.
///
/// Cancelling the calling task does not stop these calls, so that finished work can be reported. They take one answer
/// of a manager (at most ``BeanrowClient/Options/requestTimeout``), and the time to find another manager.
public struct Claim: Sendable {
    /// The task's id.
    public let id: TaskID

    /// The body of the task.
    public let body: [UInt8]

    let group: ClaimGroup

    init(id: TaskID, body: [UInt8], group: ClaimGroup) {
        self.id = id
        self.body = body
        self.group = group
    }

    /// The manager that the claim's session was attached to last.
    public var manager: ManagerAddress { group.session.lastConnection.address }

    /// Deletes the task: its work is done.
    ///
    /// If the answer was lost, the command is repeated. If the repetition finds no such task, the call succeeds: while
    /// the claim lasts, only this call can delete the task. There is one exception: the time to run ended between the
    /// two commands, and another client claimed and deleted the task.
    ///
    /// - Throws: ``ClientError``. After ``ClientError/Code/connectionLost`` the task may be deleted.
    public func delete() async throws(ClientError) {
        try await finish(.delete(id))
    }

    /// Releases the task: it goes back into the queue.
    ///
    /// If the answer was lost, the command is repeated. If the repetition finds that the claim has ended, the call
    /// succeeds, since the task is back in the queue. It has the old priority and no delay if the time to run ended
    /// between the two commands.
    ///
    /// - Parameters:
    ///   - priority: the new priority. ``statistics()`` has the current one.
    ///   - delay: the time before a consumer can get the task again, in seconds.
    /// - Throws: ``ClientError``
    public func release(priority: UInt32, delay: UInt32 = 0) async throws(ClientError) {
        try await finish(.release(id, priority: priority, delay: delay))
    }

    /// Buries the task: it stays in the tube until a client kicks it.
    ///
    /// If the answer was lost, the command is repeated. If the repetition finds that the claim has ended, the call
    /// succeeds. The task is buried then, unless the time to run ended between the two commands.
    ///
    /// - Parameter priority: the new priority. ``statistics()`` has the current one.
    /// - Throws: ``ClientError``
    public func bury(priority: UInt32) async throws(ClientError) {
        try await finish(.bury(id, priority: priority))
    }

    /// Restarts the time to run.
    ///
    /// - Throws: ``ClientError``. Only ``ClientError/Code/claimLost`` means that the claim has ended. After any other
    ///   error the claim lasts until its time to run is over: call again soon.
    public func touch() async throws(ClientError) {
        let answer = try await ask(.touch(id), after: nil)
        guard answer.reply == .notFound else { return }
        group.finished(id)
        throw lost
    }

    /// Reads the statistics of the task (`stats-job`), over the claim's connection.
    ///
    /// - Throws: ``ClientError``
    public func statistics() async throws(ClientError) -> Statistics {
        switch try await ask(.statsJob(id), after: nil).reply {
        case .ok(let text): return Statistics(text)
        case .notFound:
            group.finished(id)
            throw lost
        default: throw unexpected
        }
    }

    /// Ends the claim.
    ///
    /// - Parameters:
    ///   - command: the command that ends it.
    ///   - loss: the error of an earlier attempt that the manager may have carried out.
    /// - Throws: ``ClientError``: the claim is lost, or the outcome is not known.
    func finish(_ command: Command, after loss: ClientError? = nil) async throws(ClientError) {
        let answer = try await ask(command, after: loss)
        group.finished(id)
        guard answer.reply == .notFound else { return }
        guard let loss = answer.loss else { throw lost }
        // A task that exists was not deleted, since ids are never used again.
        if command.verb == .delete, try await exists(orElse: loss) { throw lost }
    }

    private func exists(orElse loss: ClientError) async throws(ClientError) -> Bool {
        do throws(ClientError) {
            let connection = group.session.lastConnection
            return try await connection.send([.statsJob(id)]).result().reply(at: 0) != .notFound
        } catch {
            throw loss
        }
    }

    /// An answer, and the error of the attempt before it if that one was sent too.
    private struct Answer {
        var reply: Reply
        var loss: ClientError?
    }

    /// Sends a command until it is answered.
    ///
    /// - Returns: an answer that is no refusal, or ``Reply/notFound``.
    private func ask(_ command: Command, after earlier: ClientError?) async throws(ClientError) -> Answer {
        var loss = earlier
        var notSent: ClientError?
        var losses = earlier == nil ? 0 : 1
        let clock = group.pool.options.clock
        let end = clock.now() + group.pool.options.failoverTimeout
        while true {
            guard group.holds(id) else { throw loss ?? lost }
            let connection: ManagerConnection
            do throws(ClientError) {
                connection = try await group.session.connection(afterLosses: losses, pool: group.pool)
            } catch {
                // A session that cannot be attached now may still have the claim.
                throw loss ?? (group.holds(id) && error.code != .closed ? error : lost)
            }
            switch await connection.send([command]).result() {
            case .answered(let replies):
                return Answer(reply: try accept(replies[0]), loss: loss)
            case .notSent(let error):
                notSent = error
            case .lost(_, let error):
                guard group.session.name != nil else { throw command.hasNoLastingEffect ? lost : error }
                loss = error
            }
            losses += 1
            guard clock.now() < end else { throw loss ?? (group.holds(id) ? notSent : nil) ?? lost }
        }
    }

    /// Checks an answer to a command about this claim.
    ///
    /// - Throws: ``ClientError`` if it is a refusal other than ``Reply/notFound``.
    func accept(_ reply: Reply) throws(ClientError) -> Reply {
        guard let refusal = reply.refusal, reply != .notFound else { return reply }
        if reply == .sessionTaken {
            group.wasAttachedElsewhere()
            throw lost
        }
        throw refusal
    }

    var lost: ClientError {
        ClientError(.claimLost, "the claim on task \(id) has ended", address: manager)
    }

    private var unexpected: ClientError {
        ClientError(.protocolViolation, "unexpected answer", address: manager)
    }
}

extension Command {
    /// Whether it has no effect that lasts once the claim is lost.
    fileprivate var hasNoLastingEffect: Bool {
        verb == .touch || verb == .statsJob
    }
}
