/// One row of the answer to a batch: the type `batch_row_2` of `schema-postgres.sql`, which describes the events.
struct BatchRow {
    enum Event: String {
        case done
        case keyExists = "key exists"
        case becamePending = "became pending"
        case pauseEnded = "pause ended"
        case stillDue = "still due"
        case tubeRemoved = "tube removed"
        case attached
        case claimsLeft = "claims left"
        case deferred = "held back"
        case superseded = "displaced"
        case locked
        case notDone = "not done"
        case end
    }

    let rows: ResultRows
    let row: Int

    /// The operation's number, from 1; 0 if the row is not about one operation.
    var operation: Int { Int(rows.int32(row, 0)) }

    /// What has happened.
    ///
    /// Most rows are "done", so this is compared without making a string.
    var event: Event? { rows.isText(row, 1, "done") ? .done : Event(rawValue: rows.text(row, 1)) }
    var id: Int64 { rows.int64(row, 2) }
    var tube: String { rows.text(row, 3) }

    /// The state of the task or the tasks before.
    var stateName: String { rows.text(row, 4) }
    var priority: Int64 { rows.int64(row, 5) }
    var holder: Int64 { rows.int64(row, 6) }
    var timeToRun: Int64 { rows.int64(row, 7) }

    /// How many tasks, and how many of them are urgent.
    var tasks: Int64 { rows.int64(row, 8) }
    var urgent: Int64 { rows.int64(row, 9) }

    /// Statistics, or what belongs to the event; nil for what is null.
    var numbers: [Int64?] { rows.int64s(row, 10) }
    var body: [UInt8] { rows.bytes(row, 11) }
}
