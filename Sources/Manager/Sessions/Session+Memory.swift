internal import BeanstalkWire
internal import DequeModule

extension Session {
    /// Whether the commands in the queue may wait without end: behind a `reserve`, or for a client that does not read
    /// its answers.
    var isBlocked: Bool { isWaiting || isCongested || longCommand != nil }

    /// Releases the room of requests and claims that are gone: containers keep theirs.
    func releaseRoom() {
        queueRoom = max(queueRoom, queue.count)
        if queueRoom > Self.fewRequests, queue.count < queueRoom / 4 {
            var requests = Deque<Request>(minimumCapacity: queue.count)
            requests.append(contentsOf: queue)
            queue = requests
            queueRoom = queue.count
        }
        if claims.capacity > ClaimDeadlines.few, claims.count < claims.capacity / 4 {
            claims = Dictionary(uniqueKeysWithValues: Array(claims))
        }
    }

    /// The number of requests for which the room always stays.
    private static let fewRequests = 32

    /// Whether its bodies are so large that it is not served with light sessions in one batch beyond a limit.
    ///
    /// A session is light until its first answers are known.
    var isHeavy: Bool { bytesPerAnswer > Self.mostLightBytes || queuedBytes > Self.mostLightBytes * queue.count }

    /// The most bytes per answer, and per command, of a light session.
    private static let mostLightBytes = 4096

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
