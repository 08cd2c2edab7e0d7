internal import BeanstalkWire
public import TaskStore

/// A task that was handed to this client for its time to run.
///
/// The claim belongs to the connection it came through. All that is done with it goes over that connection; when the
/// connection is lost the manager gives the task to somebody else, and these calls throw
/// ``ClientError/Code/claimLost``. They also do so when the time to run is over.
///
/// A claim should be finished with ``delete()``, ``release(priority:delay:)`` or ``bury(priority:)``. If it is dropped
/// without, its connection is closed, which puts the task back into the queue.
///
/// These calls are not given up where the task is cancelled, so that work that is done can be reported: they take one
/// answer of the manager, at most ``BeanrowClient/Options/requestTimeout``.
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

    /// The manager it came from.
    public var manager: ManagerAddress { lease.connection.address }

    /// Removes the task: its work is done.
    ///
    /// - Throws: ``ClientError``; with ``ClientError/Code/connectionLost`` it may have been removed.
    public func delete() async throws(ClientError) {
        _ = try await finish(.delete(id))
    }

    /// Gives the task back.
    ///
    /// - Parameters:
    ///   - priority: its new priority; ``statistics()`` knows the one it has.
    ///   - delay: seconds before a consumer can have it again.
    /// - Throws: ``ClientError``
    public func release(priority: UInt32, delay: UInt32 = 0) async throws(ClientError) {
        _ = try await finish(.release(id, priority: priority, delay: delay))
    }

    /// Sets the task aside until somebody kicks it.
    ///
    /// - Parameter priority: its new priority; ``statistics()`` knows the one it has.
    /// - Throws: ``ClientError``
    public func bury(priority: UInt32) async throws(ClientError) {
        _ = try await finish(.bury(id, priority: priority))
    }

    /// Asks for more time: the time to run begins anew.
    ///
    /// - Throws: ``ClientError``
    public func touch() async throws(ClientError) {
        do throws(ClientError) {
            _ = try await ask(.touch(id))
        } catch {
            throw error.mayHaveHappened ? lost : error
        }
    }

    /// Reads what the manager knows of the task, over the claim's connection.
    ///
    /// - Throws: ``ClientError``
    public func statistics() async throws(ClientError) -> Statistics {
        guard case .ok(let text) = try await ask(.statsJob(id)) else { throw unexpected }
        return Statistics(text)
    }

    private func finish(_ command: Command) async throws(ClientError) -> Reply {
        let reply = try await ask(command)
        lease.finished(id)
        return reply
    }

    private func ask(_ command: Command) async throws(ClientError) -> Reply {
        guard lease.holds(id) else { throw lost }
        return try reply(to: await lease.connection.send([command]).ending(), at: 0)
    }

    /// Reads the answer to a command about this claim.
    func reply(to ending: RequestEnding, at position: Int) throws(ClientError) -> Reply {
        let reply: Reply
        do throws(ClientError) {
            reply = try ending.reply(at: position)
        } catch {
            throw error.mayHaveHappened ? error : lost
        }
        guard let refusal = reply.refusal else { return reply }
        guard refusal.code == .notFound else { throw refusal }
        lease.finished(id)
        throw lost
    }

    var lost: ClientError {
        ClientError(.claimLost, "the claim on task \(id) is gone", address: manager)
    }

    private var unexpected: ClientError {
        ClientError(.protocolViolation, "unexpected answer", address: manager)
    }
}
