import CPostgres

/// COPY, for moving whole tables.
///
/// Not in pipeline mode. It blocks the thread for as long as the server takes, without a deadline: it is for programs
/// that maintain a database, not for managers.
extension PostgresConnection {
    /// Calls a function for each row that `COPY … TO STDOUT` sends, in PostgreSQL's text format, with its line end.
    ///
    /// - Parameters:
    ///   - statement: the COPY.
    ///   - body: reads the row, which is valid during the call. If it throws, the connection cannot be used any more.
    /// - Throws: ``PostgresError``, or the error of `body`.
    package func copyOut(_ statement: String, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try begin(statement, expecting: PGRES_COPY_OUT)
        while true {
            var row: UnsafeMutablePointer<CChar>?
            let count = PQgetCopyData(handle, &row, 0)
            guard count > 0 else {
                guard count == -1 else { throw lost() }
                break
            }
            defer { PQfreemem(row) }
            do {
                try body(UnsafeRawBufferPointer(start: row, count: Int(count)))
            } catch {
                isBroken = true
                throw error
            }
        }
        try takeEnd()
    }

    /// Sends rows with `COPY … FROM STDIN`.
    ///
    /// - Parameters:
    ///   - statement: the COPY.
    ///   - next: returns the next rows in PostgreSQL's text format, each with its line end; `nil` after the last one. If
    ///     it throws, the server adds nothing.
    /// - Throws: ``PostgresError``, or the error of `next`.
    package func copyIn(_ statement: String, _ next: () throws -> [UInt8]?) throws {
        try begin(statement, expecting: PGRES_COPY_IN)
        do {
            while let rows = try next() {
                let sent = rows.withUnsafeBytes { bytes in
                    PQputCopyData(handle, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
                }
                guard sent == 1 else { throw lost() }
            }
        } catch {
            if !isBroken {
                _ = PQputCopyEnd(handle, "stopped")
                try? takeEnd()
            }
            throw error
        }
        guard PQputCopyEnd(handle, nil) == 1 else { throw lost() }
        try takeEnd()
    }

    private func begin(_ statement: String, expecting status: ExecStatusType) throws(PostgresError) {
        PQsetnonblocking(handle, 0)
        guard PQsendQuery(handle, statement) == 1 else { throw lost() }
        let result = PQgetResult(handle)
        guard PQresultStatus(result) == status else {
            let error = failure(result)
            PQclear(result)
            while let rest = PQgetResult(handle) { PQclear(rest) }
            throw error
        }
        PQclear(result)
    }

    private func takeEnd() throws(PostgresError) {
        var failed: PostgresError?
        while let result = PQgetResult(handle) {
            if PQresultStatus(result) != PGRES_COMMAND_OK, failed == nil { failed = failure(result) }
            PQclear(result)
        }
        PQsetnonblocking(handle, 1)
        if let failed { throw failed }
    }
}
