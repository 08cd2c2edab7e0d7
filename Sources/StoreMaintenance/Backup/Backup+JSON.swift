package import JSONText

extension Backup.Result {
    /// The result as one JSON object, as docs/json.md describes it.
    package var json: JSON {
        .object(
            ("version", .integer(1)),
            ("backup", .string(path)),
            ("began_ms", .integer(began)),
            ("bytes", .integer(bytes)),
            ("copy_seconds", .number((copySeconds * 1000).rounded() / 1000)),
            ("log_bytes", .integer(logBytes)),
            ("schema_version", .integer(contents.schema)),
            ("tubes", .integer(contents.tubes)),
            ("tasks", .integer(contents.tasks)),
            ("last_task_id", .integer(contents.lastTask)),
            ("verified", .bool(true)),
            ("removed", .array(removed.map { .string($0) }))
        )
    }
}
