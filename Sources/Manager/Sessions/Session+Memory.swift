internal import BeanstalkWire
internal import DequeModule

extension Session {
    /// Whether the commands in the queue may wait without end: behind a `reserve`, or for a client that does not read
    /// its answers.
    var isBlocked: Bool { isWaiting || isCongested || longCommand != nil }

    /// Drops the bodies of tasks that wait to be put.
    ///
    /// Their commands are answered `OUT_OF_MEMORY` in their order.
    func refuseQueuedBodies() {
        for index in queue.indices where queue[index].bodySize > 0 {
            guard case .command(let command) = queue[index] else { continue }
            queue[index] = .refused(with: .outOfMemory, countedAs: command.verb)
        }
        queuedBytes = 0
    }
}
