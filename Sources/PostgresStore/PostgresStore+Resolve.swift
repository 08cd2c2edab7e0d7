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
        disconnect()
        while ContinuousClock.now < options.stop.end(ofTryingUntil: deadline) {
            let fate: Fate
            do throws(PostgresError) {
                fate = try self.fate(of: reader, until: deadline)
            } catch {
                // The transaction may still be under way, and hold the lock of the manager's row. Until it is known what
                // became of it, an error of the question is no answer.
                if error.meaning == .reconnect { disconnect() }
                Pause.sleep(Self.pauseForLock)
                continue
            }
            switch fate {
            case .committed: return reader
            case .committedWithoutClaims: return reader.withoutClaims()
            case .lost: throw .refused(state: "40001", message: "the transaction was lost with the connection")
            }
        }
        // The batch may have claimed tasks that no session of this manager knows.
        loseClaims()
        throw .unresolved("\(message); what became of a batch is not known")
    }

    /// What became of a transaction.
    private enum Fate {
        case committed

        /// It was committed. Then the other managers considered this one dead, and returned its claims.
        case committedWithoutClaims

        /// It was not committed, and cannot be any more.
        case lost
    }

    /// Asks the server for the fate of a transaction.
    private func fate(of reader: BatchReader, until deadline: ContinuousClock.Instant) throws(PostgresError) -> Fate {
        let connection = try reconnect(until: deadline)
        var me = Parameters()
        me.add(manager.rawValue)
        // This is a commit of its own. Once it is answered, all earlier commits are durable, also on a synchronous standby.
        // It waits for the row of the manager, which a transaction under way has locked.
        let last = try connection.run([PostgresConnection.Request(.lastBatch, me)], until: deadline)[0]
        let status = try status(of: reader.transaction ?? 0, connection, until: deadline)
        guard last.count > 0 else {
            loseClaims()
            return status == "committed" ? .committedWithoutClaims : .lost
        }
        fence = last.int64(0, 1)
        // Only this manager writes this number. The transaction's id alone would not be enough: a standby that has not
        // received the transaction gives its id to another one.
        return last.int64(0, 0) == batches + 1 && status != "aborted" ? .committed : .lost
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
