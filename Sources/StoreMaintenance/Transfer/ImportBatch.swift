/// Lines of an export that are written in one transaction.
struct ImportBatch {
    /// The largest number of lines.
    private static let mostLines = 10_000

    /// The largest size of all bodies, in bytes; a larger body is alone in its batch.
    private static let mostBytes = 16 << 20

    var tubes: [ExportedTube] = []
    var tasks: [ExportedTask] = []
    var keys: [ExportedKey] = []
    private var bytes = 0

    var isEmpty: Bool { tubes.isEmpty && tasks.isEmpty && keys.isEmpty }

    /// Whether it should be written before another line is added.
    var isFull: Bool { tubes.count + tasks.count + keys.count >= Self.mostLines || bytes >= Self.mostBytes }

    mutating func add(_ task: ExportedTask) {
        tasks.append(task)
        bytes += task.body.count
    }
}
