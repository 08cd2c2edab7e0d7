/// What is asked of the server, prepared once a connection.
enum Statement: String, CaseIterable {
    case begin, commit, rollback
    case runBatch, finishBatch, wake, announce, withdraw
    case look, beat, tidy, bury, enter, referAgain, takeUpAgain, lastBatch, transactionStatus

    /// The statement; `functions.sql` says what the functions do.
    var text: String {
        switch self {
        case .begin: "BEGIN"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .runBatch:
            "SELECT * FROM run_batch_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        case .finishBatch:
            "SELECT finish_batch_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        case .wake: "SELECT wake($1, $2)"
        case .announce: "SELECT announce_1($1, $2)"
        case .withdraw: "SELECT withdraw_1($1, $2)"
        case .look: "SELECT * FROM look_1($1, $2)"
        case .beat: "SELECT * FROM beat_1($1, $2)"
        case .tidy: "SELECT tidy_1($1)"
        case .bury: "SELECT * FROM bury_manager_1($1, $2)"
        case .enter: "SELECT enter_1($1, $2, $3, $4, $5, $6)"
        case .referAgain: "SELECT refer_again_1($1, $2, $3, $4)"
        case .takeUpAgain: "SELECT take_up_again_1($1, $2, $3)"
        case .lastBatch: "SELECT last_batch_1($1)"
        case .transactionStatus: "SELECT pg_xact_status($1::text::xid8)"
        }
    }
}
