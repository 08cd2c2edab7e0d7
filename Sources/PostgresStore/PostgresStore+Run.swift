public import TaskStore

extension PostgresStore {
    /// How often a batch that gave way to another transaction is tried again.
    private static let mostRetries = 20

    /// For how long batches are careful after one has met another program's lock.
    private static let timeOfCare = Duration.seconds(2)

    /// How long a careful batch waits that has nevertheless met a lock, such as one of a manager that waits for its disk.
    static let pauseForLock = Duration.milliseconds(5)

    /// For how many batches no other order is tried after one had to run twice.
    private static let batchesWithoutOptimism = 16

    /// For how many batches the fast path is not tried after it could not run one.
    private static let batchesWithoutFastPath = 16

    /// One attempt to run a batch.
    struct Attempt {
        let batch: Batch
        let connection: PostgresConnection
        let deadline: ContinuousClock.Instant

        /// Whether it waits for no lock of another program.
        let isCareful: Bool

        /// The time, if the server's clock is not to be used.
        let now: Timestamp?
    }

    /// See ``Store/run(_:)``.
    public func run(_ batch: Batch) throws(StoreError) -> BatchResult {
        if batch.operations.contains(where: { $0.action.query != nil }) { return try inspect(batch) }
        let deadline = ContinuousClock.now + timeout
        // A manager that waits for the server is alive, as long as the wait is bounded.
        listener.liveUntil(deadline + ReconnectBackoff.shortWait * 2)
        defer { listener.liveUntil(.now + options.lease) }
        var retries = 0
        while true {
            let isCareful = carefulUntil.map { $0 > .now } ?? false
            do {
                let connection = try connected(until: deadline)
                let attempt = Attempt(
                    batch: batch,
                    connection: connection,
                    // Connecting may have taken all the time. A server that is there again gets a moment to answer.
                    deadline: max(deadline, .now + ReconnectBackoff.shortWait),
                    isCareful: isCareful,
                    now: options.usesBatchTime ? batch.now : nil
                )
                return try run(attempt)
            } catch {
                switch error.meaning {
                case .reconnect:
                    disconnect()
                    guard ContinuousClock.now < options.stop.end(ofTryingUntil: deadline) else {
                        backoff.isLong = true
                        throw error.storeError
                    }
                case .locked where !isCareful || ContinuousClock.now < deadline:
                    if isCareful { Pause.sleep(Self.pauseForLock) }
                    carefulUntil = .now + Self.timeOfCare
                case .retry where retries < Self.mostRetries:
                    retries += 1
                case .unknown:
                    disconnect()
                    backoff.isLong = true
                    throw error.storeError
                case .leaseLost:
                    loseClaims()
                case .retry, .locked, .full, .content, .failed:
                    throw error.storeError
                }
            }
        }
    }

    /// How long a batch may wait for the server.
    var timeout: Duration {
        backoff.isLong ? min(options.timeout, ReconnectBackoff.shortWait) : options.timeout
    }

    /// Runs a batch: by reading alone, in the optimistic order, or in its own order.
    private func run(_ attempt: Attempt) throws(PostgresError) -> BatchResult {
        try restartNamedClaims(attempt)
        let operations = attempt.batch.operations
        let plan = BatchPlan(operations, manager: manager, references: references, isCareful: attempt.isCareful)
        if let result = try read(plan, attempt) { return result }
        if let result = try runInOptimisticOrder(attempt) { return result }
        let reader = try execute(plan, operations, attempt)
        if reader.hasMetLock { carefulUntil = .now + Self.timeOfCare }
        return result(of: try commit(reader, attempt), attempt.batch)
    }

    /// Runs a batch that only reads, without a transaction of its own.
    ///
    /// - Returns: nil if the batch writes, or something has to be written first.
    private func read(_ plan: BatchPlan, _ attempt: Attempt) throws(PostgresError) -> BatchResult? {
        guard plan.isReadOnly, leftovers.isEmpty else { return nil }
        let reader = try read([runBatch(plan, attempt, writes: false)], attempt.batch.operations, plan, attempt)
        return reader.wasNotDone ? nil : result(of: reader, attempt.batch)
    }

    /// Runs a batch in the order of ``OptimisticOrder``.
    ///
    /// - Returns: nil if there is no such order, or if a claim found fewer tasks than it wants; then nothing was done.
    private func runInOptimisticOrder(_ attempt: Attempt) throws(PostgresError) -> BatchResult? {
        guard batchesUntilOptimism == 0 else {
            batchesUntilOptimism -= 1
            return nil
        }
        guard !attempt.isCareful, let order = OptimisticOrder(attempt.batch.operations, references: references) else {
            return nil
        }
        let plan = BatchPlan(order.operations, manager: manager, references: references, expectsTasks: true)
        let reader = try execute(plan, order.operations, attempt)
        guard reader.unsatisfied.isEmpty else {
            rollBack(attempt.connection, until: attempt.deadline)
            batchesUntilOptimism = Self.batchesWithoutOptimism
            return nil
        }
        var result = result(of: try commit(reader, attempt), attempt.batch)
        result.outcomes = order.restored(result.outcomes)
        return result
    }

    /// Runs operations up to the commit: on the fast path if possible, or else by the function for all batches.
    private func execute(
        _ plan: BatchPlan,
        _ operations: [Operation],
        _ attempt: Attempt
    ) throws(PostgresError) -> BatchReader {
        var requests = [PostgresConnection.Request(.begin)]
        do {
            if let fastPath = fastPath(plan) {
                let parameters = fastPath.parameters(manager, at: attempt.now, retention: retention)
                requests.append(PostgresConnection.Request(.runFastPath, parameters))
                let reader = try read(requests, operations, plan, attempt)
                if !reader.wasNotDone { return reader }
                // The transaction has begun, and nothing was done in it.
                requests = []
                batchesUntilFastPath = Self.batchesWithoutFastPath
            }
            requests.append(runBatch(plan, attempt, writes: true))
            return try read(requests, operations, plan, attempt)
        } catch {
            rollBack(attempt.connection, until: attempt.deadline)
            throw error
        }
    }

    /// Returns nil if the batch cannot take the fast path, or if a recent one could not.
    private func fastPath(_ plan: BatchPlan) -> FastPath? {
        guard batchesUntilFastPath == 0 else {
            batchesUntilFastPath -= 1
            return nil
        }
        guard !plan.isCareful, leftovers.isEmpty else { return nil }
        return FastPath(plan)
    }

    /// Sends the requests and reads the answer to the last.
    private func read(
        _ requests: [PostgresConnection.Request],
        _ operations: [Operation],
        _ plan: BatchPlan,
        _ attempt: Attempt
    ) throws(PostgresError) -> BatchReader {
        sent = .now
        let answers = try attempt.connection.run(requests, until: attempt.deadline)
        let reader = BatchReader(answers[answers.count - 1], operations, plan, references)
        noteTime(reader)
        return reader
    }

    private func runBatch(_ plan: BatchPlan, _ attempt: Attempt, writes: Bool) -> PostgresConnection.Request {
        let parameters = plan.parameters(
            at: attempt.now,
            retention: retention,
            writes: writes,
            steady: attempt.now?.rawValue ?? clock.limit(at: .now),
            leftovers: writes ? leftovers : [],
            type: attempt.connection.operationType
        )
        return PostgresConnection.Request(.runBatch, parameters)
    }

    /// For how many milliseconds the keys of finished tasks are kept.
    private var retention: Int64 { Int64(options.uniqueRetention) * 1000 }

    /// Compares the server's clock with this process's own.
    private func noteTime(_ reader: BatchReader) {
        guard !options.usesBatchTime, reader.now > 0 else { return }
        clock.note(reader.now, sent: sent, received: .now)
    }

    /// If the server's clock was set, gives claims of named sessions their full time again: their ends are by the old time.
    private func restartNamedClaims(_ attempt: Attempt) throws(PostgresError) {
        guard let step = clock.step else { return }
        var parameters = Parameters()
        parameters.add(step)
        let request = PostgresConnection.Request(.restartNamedClaims, parameters)
        while try attempt.connection.run([request], until: attempt.deadline)[0].int64(0, 0) == Batch.mostRows {}
        clock.stepWasHandled()
    }
}
