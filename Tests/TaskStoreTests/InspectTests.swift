import TaskStore
import Testing

@Suite struct InspectTests {
    @Test func `a budget allows its rows, and one row at least`() {
        var budget = InspectBudget(rows: 3, time: .seconds(3600))
        let allowed = (0..<5).map { _ in budget.takeRow() }
        #expect(allowed == [true, true, true, false, false])
        var none = InspectBudget(rows: 0, time: .zero)
        let (first, second) = (none.takeRow(), none.takeRow())
        #expect(first && !second)
    }

    @Test func `a budget whose time is over ends at the next look at the clock`() {
        var budget = InspectBudget(rows: 1000, time: .zero)
        let allowed = (0..<1000).prefix { _ in budget.takeRow() }.count
        #expect(allowed == InspectBudget.rowsPerLookAtClock)
    }

    @Test func `figures survive the database, and what is no figure is left out`() {
        var figures = ManagerFigures()
        figures.add("connections", 3)
        figures.add("turn_p99_microseconds", .max)
        figures.add("below", .min)
        figures.add("connections", 4)
        for name in ["", "A", "a b", "a=b", "é", String(repeating: "a", count: 65)] { figures.add(name, 1) }
        #expect(figures.entries.map(\.name) == ["connections", "turn_p99_microseconds", "below"])
        #expect(ManagerFigures(text: figures.text) == figures)
        let text = "a=1 b= c=x =2 d=1=2 \u{1b}=1 e=9223372036854775808 f=-7 a=3 é=1"
        #expect(ManagerFigures(text: text).text == "a=1 f=-7")
    }

    @Test func `an answer without bodies has no byte of one`() {
        let statistics = TaskStatistics(
            id: TaskID(rawValue: 1),
            tube: .default,
            state: .pending,
            priority: 0,
            age: 0,
            delay: 0,
            timeToRun: 1,
            timeLeft: 0,
            reserves: 0,
            timeouts: 0,
            releases: 0,
            buries: 0,
            kicks: 0
        )
        func task(_ body: TaskBody) -> TaskDescription {
            TaskDescription(statistics: statistics, created: Timestamp(rawValue: 0), bodyBytes: 3, body: body)
        }
        #expect(Inspection.task(task(.whole([1, 2, 3]))).withoutBodies == .task(task(.hidden)))
        let page = InspectPage([task(.start([1, 2, 3])), task(.damaged)], next: "1")
        let hidden = InspectPage([task(.hidden), task(.hidden)], next: "1")
        #expect(Inspection.tasks(page).withoutBodies == .tasks(hidden))
    }

    @Test func `an edit of nothing is empty, and the time to run is at least 1`() {
        #expect(TaskEdit().isEmpty)
        #expect(!TaskEdit(delay: 0).isEmpty)
        #expect(TaskEdit(timeToRun: 0).timeToRun == 1)
    }
}
