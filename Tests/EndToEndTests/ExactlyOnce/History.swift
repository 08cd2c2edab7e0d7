import Synchronization

/// The requests and answers of the clients of a test, with their times, and the rules that must hold.
///
/// All clients are in one process, so their times come from one monotonic clock.
final class History: Sendable {
    typealias Time = ContinuousClock.Instant

    /// One pickup of a task: from its reply until the client ended it.
    struct Pickup: Sendable {
        var task: Int
        var body: String
        var consumer: Int
        /// The manager process that sent the reply.
        var manager: Int32
        /// The answer to `stats-job` during the claim, or `nil`.
        var reserves: Int?
        /// The time after the reply arrived.
        ///
        /// From here on the client has the task.
        var start: Time
        /// The time until which it certainly had the task: before the delete was sent, or the connection was found
        /// broken.
        var end: Time
        var result: Result
    }

    /// The end of a pickup.
    enum Result: Sendable {
        /// The manager answered `DELETED`.
        case deleted
        /// The manager answered `NOT_FOUND` to the delete.
        case notFound
        /// The connection broke after the delete was sent, so the outcome is not known.
        case unknown
        /// The connection broke before the delete was sent, or the client broke it.
        case broken
    }

    private struct Records {
        var puts: [Int: String] = [:]
        var doubleIDs: [Int] = []
        var unknownPuts = 0
        var pickups: [Pickup] = []
        var deleted = 0
        var kills: [Int32: Time] = [:]
    }

    private let records = Mutex(Records())

    /// Records a put that was answered with an id.
    func put(_ body: String, id: Int) {
        records.withLock {
            if $0.puts.updateValue(body, forKey: id) != nil { $0.doubleIDs.append(id) }
        }
    }

    /// Records a put whose answer was lost with the connection.
    func putUnknown() {
        records.withLock { $0.unknownPuts += 1 }
    }

    /// Records a pickup that has ended.
    func add(_ pickup: Pickup) {
        records.withLock {
            $0.pickups.append(pickup)
            if case .deleted = pickup.result { $0.deleted += 1 }
        }
    }

    /// Records a kill.
    ///
    /// Call this *before* the manager is killed.
    func willKill(_ manager: Int32) {
        records.withLock { $0.kills[manager] = .now }
    }

    /// The number of puts that were answered.
    var putCount: Int { records.withLock { $0.puts.count } }

    /// The number of deletes that were answered with `DELETED`.
    var deletedCount: Int { records.withLock { $0.deleted } }

    /// A line of figures.
    var summary: String {
        records.withLock { records in
            let again = records.pickups.count - Set(records.pickups.map(\.task)).count
            return "\(records.puts.count) puts answered, \(records.unknownPuts) puts unknown, "
                + "\(records.pickups.count) pickups, \(again) of them again, \(records.kills.count) managers killed"
        }
    }

    /// Returns the violations of the rules, one line each.
    ///
    /// Call this when all clients have stopped and no task is left.
    ///
    /// - Parameter claimsBreak: whether claims may have ended early, because of kills or of clients that left.
    /// - Returns: the lines.
    func violations(claimsBreak: Bool) -> [String] {
        records.withLock { records in
            var found: [String] = records.doubleIDs.map { "task \($0): the id was used twice" }
            let pickups = Dictionary(grouping: records.pickups, by: \.task)
            for (id, body) in records.puts where pickups[id] == nil {
                found.append("task \(id) (\(body)): put, never picked up")
            }
            var bodies: [String: Int] = [:]
            for (id, unordered) in pickups {
                let pickups = unordered.sorted { $0.start < $1.start }
                if let other = bodies.updateValue(id, forKey: pickups[0].body) {
                    found.append("tasks \(other) and \(id): the same body, put once: \(pickups[0].body)")
                }
                if let body = records.puts[id] {
                    for pickup in pickups where pickup.body != body {
                        found.append("task \(id): put \(body), picked up \(pickup.body)")
                    }
                } else if records.unknownPuts == 0 {
                    found.append("task \(id): picked up, but no put was answered with this id")
                }
                found += violations(of: id, pickups, kills: records.kills, claimsBreak: claimsBreak)
            }
            return found.sorted()
        }
    }

    private func violations(
        of id: Int,
        _ pickups: [Pickup],
        kills: [Int32: Time],
        claimsBreak: Bool
    ) -> [String] {
        var found: [String] = []
        let deletes = pickups.count { if case .deleted = $0.result { true } else { false } }
        let unknown = pickups.count { if case .unknown = $0.result { true } else { false } }
        if deletes > 1 { found.append("task \(id): deleted \(deletes) times") }
        if deletes + unknown == 0 { found.append("task \(id): gone, but no client deleted it") }
        for (earlier, later) in zip(pickups, pickups.dropFirst()) {
            // A client whose manager was killed has no tasks from then on, even if it does not know yet.
            let end = min(earlier.end, kills[earlier.manager] ?? earlier.end)
            if later.start < end {
                found.append(
                    "task \(id): held by consumer \(earlier.consumer) until \(later.start.duration(to: end)) after "
                        + "consumer \(later.consumer) had it"
                )
            }
            switch earlier.result {
            case .deleted: found.append("task \(id): picked up again after it was deleted")
            case .notFound: found.append("task \(id): the claim was gone though its connection was not")
            case .broken, .unknown: if !claimsBreak { found.append("task \(id): a connection broke") }
            }
        }
        if case .notFound? = pickups.last?.result { found.append("task \(id): lost by the consumer that held it") }
        for (ordinal, pickup) in pickups.enumerated() {
            guard let reserves = pickup.reserves else { continue }
            // The reply to a reserve may be lost with a killed manager. All other claims are known here.
            if reserves < ordinal + 1 || kills.isEmpty && reserves > ordinal + 1 {
                found.append("task \(id): picked up \(ordinal + 1) times, reserves says \(reserves)")
            }
        }
        return found
    }
}
