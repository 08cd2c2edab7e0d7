/// What is asked of the server, prepared once a connection.
enum Statement: String, CaseIterable {
    case begin, commit, rollback, session
    case runBatch, runPlainBatch, finishBatch, settle, wake, announce, withdraw
    case look, survey, addUp, beginNamedClaimsAgain, tidy, bury
    case enter, referAgain, takeUpAgain, lastBatch, transactionStatus

    /// The statement; `functions-*.sql` say what the functions do.
    var text: String {
        switch self {
        case .begin: "BEGIN"
        case .commit: "COMMIT"
        case .rollback: "ROLLBACK"
        case .session: "SELECT pg_backend_pid()"
        case .runBatch:
            """
            SELECT * FROM run_batch_2(
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21
            )
            """
        case .runPlainBatch:
            "SELECT * FROM run_plain_batch_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        case .finishBatch:
            "SELECT finish_batch_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
        case .settle:
            // What finish_batch_2 does where one tube has changed and there is nothing else to do. It repeats that function's
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
            SELECT CASE WHEN EXISTS (SELECT 1 FROM known) THEN true ELSE not_known_2($1) END
            """
        case .wake:
            // As the function of this name does it.
            """
            SELECT pg_notify(current_schema() || '.' || manager_id, '') FROM awaited
            WHERE tube = ANY ($1::text[]) AND manager_id <> $2::bigint GROUP BY manager_id
            """
        case .announce: "SELECT announce_2($1, $2)"
        case .withdraw: "SELECT withdraw_2($1, $2)"
        case .look: "SELECT * FROM look_2($1, $2)"
        case .survey: "SELECT * FROM survey_2($1, $2)"
        case .addUp: "SELECT add_up_2($1, $2)"
        case .beginNamedClaimsAgain: "SELECT begin_named_claims_again_2($1)"
        case .tidy: "SELECT tidy_2($1)"
        case .bury: "SELECT * FROM bury_manager_2($1, $2, $3)"
        case .enter: "SELECT enter_2($1, $2, $3, $4, $5, $6)"
        case .referAgain: "SELECT refer_again_2($1, $2, $3, $4)"
        case .takeUpAgain: "SELECT take_up_again_2($1, $2, $3)"
        case .lastBatch: "SELECT * FROM last_batch_2($1)"
        case .transactionStatus: "SELECT txid_status($1::text::bigint)"
        }
    }
}
