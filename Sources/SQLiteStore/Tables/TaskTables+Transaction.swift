extension TaskTables {
    struct TransactionStatements {
        let begin: Statement
        let beginRead: Statement
        let commit: Statement
        let dataVersion: Statement
        let pageCount: Statement

        init(_ registry: StatementRegistry) throws(SQLiteError) {
            begin = try registry.prepare("begin", "BEGIN IMMEDIATE")
            beginRead = try registry.prepare("begin reading", "BEGIN")
            commit = try registry.prepare("commit", "COMMIT")
            dataVersion = try registry.prepare("data version", "PRAGMA data_version")
            pageCount = try registry.prepare("page count", "PRAGMA page_count")
        }
    }
}
