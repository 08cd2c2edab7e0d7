internal import BeanrowClient
internal import TaskStore

/// What is shown of a tube.
struct TubeSummary: Sendable {
    /// The columns of a list of tubes.
    static let columns: [Table.Column] = [
        .init("name", "TUBE"), .init("pending"), .init("urgent", hidden: true), .init("delayed"), .init("claimed"),
        .init("buried"), .init("total_tasks", "TOTAL"), .init("deletes"), .init("users", hidden: true),
        .init("watchers", hidden: true), .init("waiting", "WAITING"), .init("pause_seconds_left", "PAUSED FOR"),
    ]

    var name: String
    private var statistics: Statistics

    /// Reads the answer to `stats-tube`.
    init(_ name: TubeName, _ statistics: Statistics) {
        self.name = name.text
        self.statistics = statistics
    }

    /// The number of tasks in a state.
    func count(_ state: TaskState) -> Int { statistics.number("current-jobs-\(state.wireName)") ?? 0 }

    /// The row in a list of tubes.
    var row: [Cell] {
        func number(_ name: String) -> Cell { .optional(statistics.number(name)) }
        let pause = statistics.number("pause-time-left") ?? 0
        return [
            .text(name), number("current-jobs-ready"), number("current-jobs-urgent"), number("current-jobs-delayed"),
            number("current-jobs-reserved"), number("current-jobs-buried"), number("total-jobs"), number("cmd-delete"),
            number("current-using"), number("current-watching"), number("current-waiting"),
            pause > 0 ? .seconds(Double(pause)) : .none,
        ]
    }
}
