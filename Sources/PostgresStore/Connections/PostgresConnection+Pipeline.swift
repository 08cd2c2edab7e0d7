import CPostgres

/// libpq's pipeline mode.
extension PostgresConnection {
    /// Prepares all statements.
    ///
    /// From now on only ``run(_:until:)`` may be used.
    ///
    /// - Parameter deadline: when waiting ends; the connection is broken then.
    /// - Throws: ``PostgresError``.
    func startPipeline(until deadline: ContinuousClock.Instant) throws(PostgresError) {
        operationType = try ask("SELECT to_regtype('operation_2')::oid::integer", until: deadline).int32(0, 0)
        PQenterPipelineMode(handle)
        for statement in Statement.allCases {
            guard PQsendPrepare(handle, statement.rawValue, statement.text, 0, nil) == 1 else { throw lost() }
        }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        var answers: [ResultRows] = []
        try takePipelined(until: deadline, &answers)
    }

    /// Sends statements together and waits for all answers.
    ///
    /// Statements outside a transaction block are one transaction of their own.
    ///
    /// - Parameters:
    ///   - requests: the statements, in order. Those after one that fails are not run.
    ///   - deadline: when waiting ends; the connection is broken then.
    /// - Returns: one result per statement.
    /// - Throws: ``PostgresError`` of the first that failed.
    @discardableResult
    func run(_ requests: [Request], until deadline: ContinuousClock.Instant) throws(PostgresError) -> [ResultRows] {
        var answers: [ResultRows] = []
        try run(requests, until: deadline, &answers)
        return answers
    }

    /// Does the same, and leaves the results of the statements before one that fails in `answers`.
    func run(
        _ requests: [Request],
        until deadline: ContinuousClock.Instant,
        _ answers: inout [ResultRows]
    ) throws(PostgresError) {
        guard !isBroken else { throw .disconnected("not connected") }
        for request in requests {
            guard send(request) else { throw lost() }
        }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        try takePipelined(until: deadline, &answers)
    }

    /// Waits for the results of all statements that were sent in pipeline mode.
    private func takePipelined(
        until deadline: ContinuousClock.Instant,
        _ answers: inout [ResultRows]
    ) throws(PostgresError) {
        var failed: PostgresError?
        while true {
            guard let result = try next(until: deadline) else {
                // A null separates the results of two statements. A dead connection gives nothing else.
                if PQstatus(handle) == CONNECTION_BAD { throw failed ?? lost() }
                continue
            }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                PQclear(result)
                if let failed { throw failed }
                return
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK:
                answers.append(ResultRows(result))
            case PGRES_PIPELINE_ABORTED:
                PQclear(result)
            default:
                if failed == nil { failed = failure(result) }
                PQclear(result)
                // Nothing follows if the server has closed the connection.
                if PQstatus(handle) == CONNECTION_BAD {
                    isBroken = true
                    throw .disconnected(failed?.message ?? Self.message(handle))
                }
            }
        }
    }

    private func send(_ request: Request) -> Bool {
        let parameters = request.parameters
        let lengths = parameters.places.map { Int32(truncatingIfNeeded: $0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: lengths.count)
        return parameters.storage.withUnsafeBytes { storage in
            let values = parameters.places.map { place in
                place.flatMap { storage.baseAddress?.advanced(by: $0.offset).assumingMemoryBound(to: CChar.self) }
            }
            return PQsendQueryPrepared(
                handle,
                request.statement.rawValue,
                Int32(values.count),
                values,
                lengths,
                formats,
                1
            ) == 1
        }
    }
}
