import TaskStore

/// Transactions whose commit was not answered.
extension PostgresStore {
    /// Finds out what became of a transaction whose commit was not answered.
    ///
    /// - Returns: what was committed.
    /// - Throws: ``PostgresError``: meaning ``PostgresError/Meaning/retry`` if the transaction was lost, so that nothing has
    ///   happened; meaning ``PostgresError/Meaning/unknown`` if the time was over before the answer came.
    func resolve(
        _ reader: BatchReader,
        _ message: String,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> BatchReader {
        let lost = PostgresError.refused(state: "40001", message: "the transaction was lost with the connection")
        disconnect()
        while ContinuousClock.now < deadline {
            do throws(PostgresError) {
                let connection = try reconnect(until: deadline)
                var me = Parameters()
                me.add(manager.rawValue)
                // This is a commit of its own. Once it is answered, all earlier commits are durable, also on a
                // synchronous standby.
                let last = try connection.run([PostgresConnection.Request(.lastBatch, me)], until: deadline)[0]
                let status = try status(of: reader.transaction ?? 0, connection, until: deadline)
                if last.count > 0 {
                    fence = last.int64(0, 1)
                    // Only this manager writes this number. The transaction's id alone would not be enough: a standby that
                    // has not received the transaction gives its id to another one.
                    guard last.int64(0, 0) == batches + 1, status != "aborted" else { throw lost }
                    return reader
                }
                // The other managers consider this one dead, and have returned its claims.
                loseClaims()
                guard status == "committed" else { throw lost }
                return reader.withoutClaims()
            } catch {
                guard error.meaning == .reconnect else { throw error }
                disconnect()
            }
        }
        // The batch may have claimed tasks that no session of this manager knows.
        loseClaims()
        throw .unresolved("\(message); what became of a batch is not known")
    }

    private func status(
        of transaction: Int64,
        _ connection: PostgresConnection,
        until deadline: ContinuousClock.Instant
    ) throws(PostgresError) -> String? {
        var parameters = Parameters()
        parameters.add(String(transaction))
        do {
            let request = PostgresConnection.Request(.transactionStatus, parameters)
            let rows = try connection.run([request], until: deadline)[0]
            return rows.isNull(0, 0) ? nil : rows.text(0, 0)
        } catch .refused(state: "22023", _) {
            // This server has not used the id yet, so the transaction cannot have been committed here.
            return "aborted"
        }
    }
}
