internal import ArgumentParser
internal import JSONText
internal import TaskStore

/// The ids of tasks on the command line.
struct TaskIDArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("Ids of tasks.", valueName: "id"))
    var ids: [UInt64]

    func validate() throws {
        guard !ids.isEmpty else { throw ValidationError("name at least one task") }
        for id in ids where id < 1 || id > UInt64(Int64.max) {
            throw ValidationError("\(id) cannot be the id of a task")
        }
    }

    /// Does something with each task, and reports what has become of it.
    ///
    /// - Parameters:
    ///   - printer: writes one row per task.
    ///   - done: the word for success, such as `deleted`.
    ///   - action: returns `nil` if it was done, otherwise the reason in a few words.
    /// - Throws: `ExitCode`: 3 if a part was done, 1 if nothing was.
    func forEach(
        _ printer: Printer,
        done: String,
        _ action: (TaskID) async throws -> String?
    ) async throws {
        var rows: [[Cell]] = []
        var failures = 0
        for id in ids {
            let reason = try await action(TaskID(rawValue: Int64(id)))
            if reason != nil { failures += 1 }
            rows.append([.integer(Int64(id)), .text(reason ?? done)])
        }
        let table = Table(name: "tasks", columns: [.init("id"), .init("outcome")], rows: rows)
        try await printer.print(table, ifEmpty: "")
        guard failures > 0 else { return }
        throw failures == ids.count ? ExitCode.failure : Reporting.partlyDone
    }
}
