internal import BeanstalkWire
public import TaskStore

/// A task that was handed to this client for its time to run.
///
/// The claim belongs to a session of its own at the managers. When the connection is lost, because a manager stopped, was
/// killed or started anew, the claim stays ours: the next call takes the session up again at any manager that can be
/// reached, and a call whose answer was lost is repeated there. ``ClientError/Code/claimLost`` means that the task is
/// really not ours any more: its time to run is over, it was finished before, somebody removed it or took up the session,
/// or the client was closed. With a server that knows no sessions, such as beanstalkd itself, a claim is lost with its
/// connection.
///
/// Where no manager can be reached for the client's ``BeanrowClient/Options/patience`` these calls throw
/// ``ClientError/Code/noManagerReachable`` if nothing was sent, else ``ClientError/Code/connectionLost``. They may be
/// tried again: the claim lasts until its time to run is over.
///
/// A claim should be finished with ``delete()``, ``release(priority:delay:)`` or ``bury(priority:)``. If it is dropped
/// without, or the client closed, its session takes leave, which puts the task back into the queue. If the whole process
/// dies the task is back when its time to run is over.
///
/// These calls are not given up where the task is cancelled, so that work that is done can be reported: they take one
/// answer of the manager, at most ``BeanrowClient/Options/requestTimeout``, and what finding another manager takes.
public struct Claim: Sendable {
    /// The task's number.
    public let id: TaskID

    /// The body as it was put.
    public let body: [UInt8]

    let lease: ClaimLease

    init(id: TaskID, body: [UInt8], lease: ClaimLease) {
        self.id = id
        self.body = body
        self.lease = lease
    }

    /// The manager it came from or, where its session was taken up again since, the one it is held through.
    public var manager: ManagerAddress { lease.session.lastConnection.address }

    /// Removes the task: its work is done.
    ///
    /// Where the answer was lost and the repetition finds no such task, it was this call that removed it: no other can
    /// while the claim lasts. The one exception is a claim whose time to run ended in just that while, and whose task
    /// somebody else has taken and deleted since.
    ///
    /// - Throws: ``ClientError``; with ``ClientError/Code/connectionLost`` it may have been removed.
    public func delete() async throws(ClientError) {
        try await finish(.delete(id))
    }

    /// Gives the task back.
    ///
    /// Where the answer was lost and the repetition finds that the claim has ended, the task is back in the queue: by
    /// this call or, without its priority and delay, since the time to run ended in just that while.
    ///
    /// - Parameters:
    ///   - priority: its new priority; ``statistics()`` knows the one it has.
    ///   - delay: seconds before a consumer can have it again.
    /// - Throws: ``ClientError``
    public func release(priority: UInt32, delay: UInt32 = 0) async throws(ClientError) {
        try await finish(.release(id, priority: priority, delay: delay))
    }

    /// Sets the task aside until somebody kicks it.
    ///
    /// Where the answer was lost and the repetition finds that the claim has ended, the task is buried, unless the time
    /// to run ended in just that while.
    ///
    /// - Parameter priority: its new priority; ``statistics()`` knows the one it has.
    /// - Throws: ``ClientError``
    public func bury(priority: UInt32) async throws(ClientError) {
        try await finish(.bury(id, priority: priority))
    }

    /// Asks for more time: the time to run begins anew.
    ///
    /// - Throws: ``ClientError``; only ``ClientError/Code/claimLost`` says that the task is not ours any more. After any
    ///   other error the claim may last until its time to run is over: try again soon.
    public func touch() async throws(ClientError) {
        let answer = try await ask(.touch(id), after: nil)
        guard answer.reply == .notFound else { return }
        lease.finished(id)
        throw lost
    }

    /// Reads what the manager knows of the task, over the claim's connection.
    ///
    /// - Throws: ``ClientError``
    public func statistics() async throws(ClientError) -> Statistics {
        switch try await ask(.statsJob(id), after: nil).reply {
        case .ok(let text): return Statistics(text)
        case .notFound:
            lease.finished(id)
            throw lost
        default: throw unexpected
        }
    }

    /// Ends the claim.
    ///
    /// - Parameters:
    ///   - command: how.
    ///   - loss: how an earlier try ended that may have done it already.
    /// - Throws: ``ClientError``: the claim is lost, or nobody knows.
    func finish(_ command: Command, after loss: ClientError? = nil) async throws(ClientError) {
        let answer = try await ask(command, after: loss)
        lease.finished(id)
        guard answer.reply == .notFound else { return }
        guard let loss = answer.loss else { throw lost }
        // A task that is still there was not deleted: numbers are never given out again.
        if command.verb == .delete, try await exists(orElse: loss) { throw lost }
    }

    private func exists(orElse loss: ClientError) async throws(ClientError) -> Bool {
        do throws(ClientError) {
            let connection = lease.session.lastConnection
            return try await connection.send([.statsJob(id)]).ending().reply(at: 0) != .notFound
        } catch {
            throw loss
        }
    }

    /// An answer, and how the last try before it ended if that was sent too.
    private struct Answer {
        var reply: Reply
        var loss: ClientError?
    }

    /// Asks until there is an answer.
    ///
    /// - Returns: an answer that is no refusal, or ``Reply/notFound``.
    private func ask(_ command: Command, after earlier: ClientError?) async throws(ClientError) -> Answer {
        var loss = earlier
        var notSent: ClientError?
        var losses = earlier == nil ? 0 : 1
        let timekeeper = lease.pool.options.timekeeper
        let end = timekeeper.now() + lease.pool.options.patience
        while true {
            guard lease.holds(id) else { throw loss ?? lost }
            let connection: ManagerConnection
            do throws(ClientError) {
                connection = try await lease.session.connection(afterLosses: losses, pool: lease.pool)
            } catch {
                // A session that could not be taken up now may still hold the claim.
                throw loss ?? (lease.holds(id) && error.code != .closed ? error : lost)
            }
            switch await connection.send([command]).ending() {
            case .answered(let replies):
                return Answer(reply: try accept(replies[0]), loss: loss)
            case .notSent(let error):
                notSent = error
            case .lost(_, let error):
                guard lease.session.name != nil else { throw command.canBeAskedInVain ? lost : error }
                loss = error
            }
            losses += 1
            guard timekeeper.now() < end else { throw loss ?? (lease.holds(id) ? notSent : nil) ?? lost }
        }
    }

    /// Reads an answer to a command about this claim.
    func accept(_ reply: Reply) throws(ClientError) -> Reply {
        guard let refusal = reply.refusal, reply != .notFound else { return reply }
        if reply == .sessionTaken {
            lease.wasTaken()
            throw lost
        }
        throw refusal
    }

    var lost: ClientError {
        ClientError(.claimLost, "the claim on task \(id) is gone", address: manager)
    }

    private var unexpected: ClientError {
        ClientError(.protocolViolation, "unexpected answer", address: manager)
    }
}

extension Command {
    /// Whether nothing depends on its having been carried out once the claim is lost.
    fileprivate var canBeAskedInVain: Bool {
        verb == .touch || verb == .statsJob
    }
}
