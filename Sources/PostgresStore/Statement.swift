/// What is asked of the server, prepared once a connection.
enum Statement: String, CaseIterable {
    case begin, commit, rollback
    case runBatch, runPlainBatch, finishBatch, settle, wake, announce, withdraw
    case look, beat, tidy, bury, enter, referAgain, takeUpAgain, lastBatch, transactionStatus

    /// The statement; `functions-*.sql` say what the functions do.
    var text: String {
        switch self {
        case .begin: "BEGIN"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .runBatch:
            "SELECT * FROM run_batch_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        case .runPlainBatch:
            "SELECT * FROM run_plain_batch_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        case .finishBatch:
            "SELECT finish_batch_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        case .settle:
            // What finish_batch_1 does where one tube has changed and there is nothing else to do. It repeats that function's
            // statements since one statement without arrays takes a third of the time, and most batches end with it.
            """
            WITH known AS (
                UPDATE manager SET batches = $2::bigint, heartbeat_ms = now_ms()
                WHERE id = $1::bigint AND fence = $3::bigint RETURNING id
            ), counted AS (
                INSERT INTO tube_count AS counts (
                    tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes
                )
                VALUES (
                    $4::text, $1, $5::bigint, $6::bigint, $7::bigint, $8::bigint, $9::bigint, $10::bigint, $11::bigint
                )
                ON CONFLICT (tube, manager_id) DO UPDATE SET
                    pending     = counts.pending + EXCLUDED.pending,
                    urgent      = counts.urgent + EXCLUDED.urgent,
                    delayed     = counts.delayed + EXCLUDED.delayed,
                    claimed     = counts.claimed + EXCLUDED.claimed,
                    buried      = counts.buried + EXCLUDED.buried,
                    total_tasks = counts.total_tasks + EXCLUDED.total_tasks,
                    deletes     = counts.deletes + EXCLUDED.deletes
            )
            SELECT CASE WHEN EXISTS (SELECT 1 FROM known) THEN true ELSE not_known_1($1) END
            """
        case .wake:
            // As the function of this name does it.
            """
            SELECT pg_notify(current_schema() || '.' || manager_id, '') FROM awaited
            WHERE tube = ANY ($1::text[]) AND manager_id <> $2::bigint GROUP BY manager_id
            """
        case .announce: "SELECT announce_1($1, $2)"
        case .withdraw: "SELECT withdraw_1($1, $2)"
        case .look: "SELECT * FROM look_1($1, $2)"
        case .beat: "SELECT * FROM beat_1($1, $2)"
        case .tidy: "SELECT tidy_1($1)"
        case .bury: "SELECT * FROM bury_manager_1($1, $2)"
        case .enter: "SELECT enter_1($1, $2, $3, $4, $5, $6)"
        case .referAgain: "SELECT refer_again_1($1, $2, $3, $4)"
        case .takeUpAgain: "SELECT take_up_again_1($1, $2, $3)"
        case .lastBatch: "SELECT * FROM last_batch_1($1)"
        case .transactionStatus: "SELECT pg_xact_status($1::text::xid8)"
        }
    }
}
