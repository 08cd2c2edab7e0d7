import TaskStore

/// Another order for a batch, in which more operations follow others of their kind.
///
/// A consumer that does not wait for answers sends deletes and reserves in turn. A delete of a task that its session holds
/// and a claim do not affect each other. So all deletes may go first, but only if each claim finds what it wants. If one
/// does not, the later commands of its session must not be done yet: the batch has to be rolled back and run in its own
/// order.
struct OptimisticOrder {
    /// For each place in the new order, the place in the batch.
    private let order: [Int]

    /// The operations in the new order.
    let operations: [Operation]

    /// Returns nil if another order gains nothing.
    init?(_ operations: [Operation], references: LocalReferences) {
        var order: [Int] = []
        order.reserveCapacity(operations.count)
        var claims: [Int] = []
        var gains = 0
        for (index, operation) in operations.enumerated() {
            let connection = operation.session.connection
            switch operation.action {
            case .delete(let id)
            where operation.access == nil && references.holds(id, connection) && !references.hasNamedSession(connection):
                if !claims.isEmpty { gains += 1 }
                order.append(index)
            case .claim where !references.hasNamedSession(connection):
                claims.append(index)
            case .put:
                // If the batch ran a second time, the task would get another id.
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

    /// With a smaller gain it is not worth the risk of running the batch twice.
    private static let leastGain = 4

    /// Returns the outcomes in the order of the batch.
    func restored(_ outcomes: [Outcome]) -> [Outcome] {
        var restored = outcomes
        for (place, index) in order.enumerated() { restored[index] = outcomes[place] }
        return restored
    }
}
