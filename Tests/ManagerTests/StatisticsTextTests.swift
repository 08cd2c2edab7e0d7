import TaskStore
import Testing

@testable import Manager

@Suite struct StatisticsTextTests {
    private func figure(_ key: String, in text: [UInt8]) -> String? {
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix("\(key): ") }.map { String($0.dropFirst(key.count + 2)) }
    }

    private func task(_ state: TaskState, age: Int64 = 0, timeLeft: Int64 = 0) -> [UInt8] {
        StatisticsText.task(
            TaskStatistics(
                id: TaskID(rawValue: 1),
                tube: .default,
                state: state,
                priority: 0,
                age: age,
                delay: 30,
                timeToRun: 60,
                timeLeft: timeLeft,
                reserves: 0,
                timeouts: 0,
                releases: 0,
                buries: 0,
                kicks: 0
            )
        )
    }

    @Test(arguments: [(60_000, "60"), (59_999, "60"), (59_000, "59"), (1, "1"), (0, "0"), (-1, "0"), (-5000, "0")])
    func `time-left of a claim is its whole time right after the reserve, and 0 only once it is over`(
        milliseconds: Int64,
        expected: String
    ) {
        #expect(figure("time-left", in: task(.claimed, timeLeft: milliseconds)) == expected)
    }

    @Test func `time-left is never more than the whole time, also if the clock went back a little`() {
        #expect(figure("time-left", in: task(.claimed, timeLeft: 60_900)) == "60")
        #expect(figure("time-left", in: task(.delayed, timeLeft: 30_900)) == "30")
        #expect(figure("time-left", in: task(.delayed, timeLeft: 29_001)) == "30")
        #expect(figure("time-left", in: task(.pending, timeLeft: 0)) == "0")
    }

    @Test(arguments: [(9999, "10"), (10_900, "10"), (1, "1"), (0, "0")])
    func `pause-time-left is rounded up too`(milliseconds: Int64, expected: String) {
        var tube = TubeStatistics(name: .default)
        (tube.pause, tube.pauseTimeLeft) = (10, milliseconds)
        #expect(figure("pause-time-left", in: StatisticsText.tube(tube, waiting: 0)) == expected)
    }

    @Test func `an age is 0 if the clock was set back behind the moment of the put`() {
        #expect(figure("age", in: task(.pending, age: -3_600_000)) == "0")
        #expect(figure("age", in: task(.pending, age: 1999)) == "1")
        var tube = TubeStatistics(name: .default)
        tube.oldestPendingAge = -1
        #expect(figure("oldest-pending-age", in: StatisticsText.tube(tube, waiting: 0)) == "0")
    }
}
