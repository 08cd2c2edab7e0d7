internal import BeanstalkWire
internal import DequeModule

/// The requests of one client that are not begun yet.
struct RequestQueue {
    /// The kind of a request, as far as a store works better if commands of one kind follow each other.
    enum Kind: CaseIterable {
        case put, delete, other
    }

    /// The requests, first to last.
    private(set) var requests = Deque<Request>()

    /// The bytes of the bodies in the queue.
    private(set) var bytes = 0

    /// The number of requests for which there is room, about.
    private(set) var room = 0

    var count: Int { requests.count }
    var isEmpty: Bool { requests.isEmpty }

    /// The kind of the first request.
    var nextKind: Kind { requests.isEmpty ? .other : requests[0].kind }

    /// Adds a request of the client.
    ///
    /// Inlined: to hand a request on copies it, 20 instructions per command.
    @inline(__always)
    mutating func append(_ request: consuming Request) {
        bytes += request.bodySize
        requests.append(consume request)
    }

    /// Removes and returns the first request.
    ///
    /// The bytes of its body are counted until ``forgetBody(of:)``, so that a request can be looked at and put back.
    @inline(__always)
    mutating func popFirst() -> Request? {
        requests.popFirst()
    }

    /// Puts a request back that was just removed.
    mutating func putBack(_ request: consuming Request) {
        requests.prepend(consume request)
    }

    /// Notes that a body has left the queue.
    mutating func forgetBody(of size: Int) {
        bytes -= size
    }

    /// Puts a request back whose body had left the queue.
    mutating func prepend(_ request: consuming Request) {
        bytes += request.bodySize
        requests.prepend(consume request)
    }

    /// Removes the requests at the front that repeat a `reserve`.
    ///
    /// - Returns: their number, at most `limit`.
    mutating func takeRepeats(of command: Command, atMost limit: Int) -> Int {
        var count = 0
        while count < limit, !requests.isEmpty, requests[0].repeats(command) {
            requests.removeFirst()
            count += 1
        }
        return count
    }

    /// Drops the bodies of tasks that wait to be put.
    ///
    /// Their commands are answered `OUT_OF_MEMORY` in their order.
    mutating func refuseBodies() {
        for index in requests.indices where requests[index].bodySize > 0 {
            guard case .command(let command) = requests[index] else { continue }
            requests[index] = .refused(with: .outOfMemory, countedAs: command.verb)
        }
        bytes = 0
    }

    /// Releases the room of requests that are gone: a deque keeps it.
    mutating func releaseRoom() {
        room = max(room, requests.count)
        guard room > Self.fewRequests, requests.count < room / 4 else { return }
        var copy = Deque<Request>(minimumCapacity: requests.count)
        copy.append(contentsOf: requests)
        requests = copy
        room = requests.count
    }

    /// The number of requests for which the room always stays.
    private static let fewRequests = 32

    /// Drops all requests.
    mutating func removeAll() {
        requests.removeAll()
        bytes = 0
    }
}

extension Request {
    /// The bytes of its body.
    var bodySize: Int {
        if case .command(.put(_, _, _, let body, _)) = self { body.count } else { 0 }
    }

    /// The kind of the request, as far as a store works better if operations of one kind follow each other.
    var kind: RequestQueue.Kind {
        switch self {
        case .command(.put): .put
        case .command(.store(.delete, _)): .delete
        default: .other
        }
    }

    /// Returns whether this is the same `reserve` or `reserve-with-timeout` again.
    func repeats(_ command: Command) -> Bool {
        switch (self, command) {
        case (.command(.reserve), .reserve): true
        case (.command(.reserveWithTimeout(let one)), .reserveWithTimeout(let other)): one == other
        default: false
        }
    }
}
