import TaskStore

/// A batch as the server's functions take it, and what has to be known before it runs.
struct BatchPlan {
    /// The operations, of which those of one kind may run as one; see ``PlannedOperation/last``.
    private(set) var operations: [PlannedOperation] = []

    /// Whether all operations only read.
    private(set) var isReadOnly = true

    /// Whether an operation needs the rows of all tubes.
    let readsTubes: Bool

    /// Whether the batch may add or remove tubes, which only one batch at a time may do.
    let locksTubes: Bool

    /// Tasks to lock before anything else, in order, if other managers may lock the same.
    let firstLock: [Int64]

    /// Whether the batch waits for no lock of another program.
    let isCareful: Bool

    private let manager: ManagerID

    /// Plans a batch.
    ///
    /// - Parameters:
    ///   - operations: the batch.
    ///   - manager: the manager's current number, which may differ from the number that the sessions were opened with.
    ///   - references: what this manager's connections use and hold.
    ///   - expectsTasks: whether to assume that all claims find what they want, so that nothing is held back.
    ///   - isCareful: whether the batch waits for no lock of another program. Then operations that name tasks run alone.
    init(
        _ operations: [Operation],
        manager: ManagerID,
        references: LocalReferences,
        expectsTasks: Bool = false,
        isCareful: Bool = false
    ) {
        self.manager = manager
        self.isCareful = isCareful
        var analysis = BatchAnalysis(references: references, expectsTasks: expectsTasks, isCareful: isCareful)
        self.operations.reserveCapacity(operations.count)
        for (index, operation) in operations.enumerated() {
            if !operation.action.isReadOnly { isReadOnly = false }
            let session = SessionID(connection: operation.session.connection, of: manager).rawValue
            self.operations.append(analysis.add(operation, number: index + 1, session: session))
        }
        for index in analysis.claimsThatMayHoldBack { self.operations[index].mayHoldBack = true }
        readsTubes = analysis.readsTubes
        locksTubes = analysis.makesTubes || (analysis.deletes && analysis.readsTubes)
        let locksFirst = isCareful || (analysis.namesForeignTasks && analysis.namedTasks.count > 1)
        firstLock = locksFirst ? analysis.namedTasks.sorted() : []
        group(deletes: !locksTubes && !isCareful)
    }

    /// Finds the operations that can run together.
    private mutating func group(deletes groupsDeletes: Bool) {
        var start = 0
        var deleted: Set<Int64> = []
        for index in operations.indices.dropFirst() {
            if start == index - 1, groupsDeletes, let id = operations[start].id { deleted = [id] }
            var isTogether =
                operations[start].kind == operations[index].kind
                && !operations[start].runsAlone && !operations[index].runsAlone
            switch operations[index].kind {
            case .put: break
            case .claim: isTogether = isTogether && operations[start].tubes == operations[index].tubes
            case .delete:
                isTogether = isTogether && groupsDeletes && deleted.insert(operations[index].id ?? 0).inserted
            default: isTogether = false
            }
            if isTogether {
                operations[start].last = index + 1
                if operations[index].mayHoldBack { operations[start].mayHoldBack = true }
            } else {
                start = index
            }
        }
    }

    /// Returns the operations that run together with the one at an index.
    func range(at index: Int) -> Range<Int> { index..<operations[index].last }

    /// Returns the parameters of ``Statement/runBatch``.
    ///
    /// - Parameters:
    ///   - now: the time; nil for the server's own clock.
    ///   - retention: for how many milliseconds the keys of finished tasks are kept.
    ///   - writes: whether the batch may write.
    ///   - steady: the latest time that is possible on the server, by this process's own clock.
    ///   - leftovers: holders that are gone and still have claims to return.
    ///   - type: the server's number for the type of operations.
    /// - Returns: the parameters, in order.
    func parameters(
        at now: Timestamp?,
        retention: Int64,
        writes: Bool,
        steady: Int64,
        leftovers: [Int64],
        type: Int32
    ) -> Parameters {
        var parameters = Parameters()
        parameters.add(manager.rawValue)
        parameters.add(operations, type: type)
        parameters.add(writes)
        parameters.add(readsTubes)
        parameters.add(now?.rawValue)
        parameters.add(steady)
        parameters.add(retention)
        parameters.add(locksTubes)
        parameters.add(firstLock)
        parameters.add(isCareful)
        parameters.add(leftovers)
        return parameters
    }
}
