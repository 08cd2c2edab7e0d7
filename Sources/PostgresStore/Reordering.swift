import TaskStore

/// Another order for a batch, in which more operations stand beside others of their kind.
///
/// A consumer that does not wait for answers sends deletes and reserves in turn. Deletes of tasks that a session holds and
/// claims neither see nor take anything of each other, so all deletes may go first. That is only so as long as no claim
/// comes short: then what its session asked for behind it must not be done. So who uses this has to look at the outcomes
/// and, if need be, do it all over in the right order.
struct Reordering {
    /// For each place in the new order, the place in the batch.
    private let order: [Int]

    /// The operations in the new order.
    let operations: [Operation]

    /// Finds the order; nothing where there is nothing to gain.
    init?(_ operations: [Operation], members: Members) {
        var order: [Int] = []
        order.reserveCapacity(operations.count)
        var claims: [Int] = []
        var gains = 0
        for (index, operation) in operations.enumerated() {
            let connection = operation.session.connection
            switch operation.action {
            case .delete(let id) where members.held[id.rawValue] == connection && members.named[connection] == nil:
                if !claims.isEmpty { gains += 1 }
                order.append(index)
            case .claim where members.named[connection] == nil:
                claims.append(index)
            case .put:
                // Done over, it would get another number.
                return nil
            default:
                order += claims
                claims = []
                order.append(index)
            }
        }
        order += claims
        guard gains >= Self.leastGain else { return nil }
        self.order = order
        self.operations = order.map { operations[$0] }
    }

    /// With fewer it is not worth the risk of doing it twice.
    private static let leastGain = 4

    /// The outcomes in the order of the batch.
    func restored(_ outcomes: [Outcome]) -> [Outcome] {
        var restored = outcomes
        for (place, index) in order.enumerated() { restored[index] = outcomes[place] }
        return restored
    }
}
