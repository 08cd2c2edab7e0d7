internal import SQLiteStore

/// Looks for damage in a database: SQLite's own check, the checksums of bodies, and the counts.
struct StructureCheck {
    private let database: Database

    /// - Parameter database: a connection on which it may read.
    init(_ database: Database) {
        self.database = database
    }

    /// Returns the first thing that is wrong; `nil` if nothing is.
    ///
    /// - Throws: `SQLiteError`
    func firstProblem() throws -> String? {
        if let problem = try quickCheck().first { return problem }
        if let task = try damagedBodies(limit: 1).first { return "the body of task \(task) is damaged" }
        if let tube = try wrongCounts().first { return "the counts of the tube \(tube) are wrong" }
        return nil
    }

    /// Returns what SQLite's quick_check finds; empty if nothing.
    func quickCheck() throws -> [String] {
        var found: [String] = []
        try database.forEach("PRAGMA quick_check(10)") { row in found.append(row.text(0)) }
        return found == ["ok"] ? [] : found
    }

    /// Returns the tasks whose bodies are missing or are not what was put.
    func damagedBodies(limit: Int) throws -> [Int64] {
        var found: [Int64] = []
        let missing = """
            SELECT id FROM task_state WHERE NOT EXISTS (SELECT 1 FROM task_body WHERE task_body.id = task_state.id)
            LIMIT \(limit)
            """
        try database.forEach(missing) { row in found.append(row.int(0)) }
        guard try database.integer("SELECT 1 FROM pragma_table_info('task_body') WHERE name = 'checksum'") == 1 else {
            return found
        }
        try database.forEach("SELECT id, checksum, body FROM task_body WHERE checksum IS NOT NULL") { row in
            guard found.count < limit else { return }
            let id = row.int(0)
            if row.withBytes(2, { BodyChecksum.of(id, $0) }) != row.int(1) { found.append(id) }
        }
        return found
    }

    /// Returns the tubes whose counts are not the numbers of their tasks.
    func wrongCounts() throws -> [String] {
        var found: [String] = []
        try database.forEach(Self.wrongCountsQuery) { row in found.append(row.text(0)) }
        return found
    }

    /// The names of the tubes with wrong counts.
    private static let wrongCountsQuery = """
        WITH found AS (\(counted))
        SELECT tube.name FROM tube LEFT JOIN found ON found.tube_id = tube.id
        WHERE (tube.pending, tube.urgent, tube.delayed, tube.claimed, tube.buried) <> (
            coalesce(found.pending, 0), coalesce(found.urgent, 0), coalesce(found.delayed, 0), coalesce(found.claimed, 0),
            coalesce(found.buried, 0)
        )
        """

    /// Sets the counts of all tubes to the numbers of their tasks.
    ///
    /// The caller has begun a transaction.
    static let repair = """
        UPDATE tube SET pending = 0, urgent = 0, delayed = 0, claimed = 0, buried = 0;
        UPDATE tube SET pending = found.pending, urgent = found.urgent, delayed = found.delayed, claimed = found.claimed,
            buried = found.buried
        FROM (\(counted)) AS found WHERE found.tube_id = tube.id
        """

    private static let counted = """
        SELECT tube_id, sum(state = 'pending') AS pending, sum(state = 'pending' AND priority < 1024) AS urgent,
            sum(state = 'delayed') AS delayed, sum(state = 'claimed') AS claimed, sum(state = 'buried') AS buried
        FROM task_state GROUP BY tube_id
        """
}
