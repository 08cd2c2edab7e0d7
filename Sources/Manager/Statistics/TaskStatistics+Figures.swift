internal import TaskStore

extension TaskStatistics {
    /// The figures of `stats-job`, with beanstalkd's names in beanstalkd's order.
    var figures: Figures {
        var figures = Figures()
        figures.add("id", Int(id.rawValue))
        figures.add("tube", .text(tube.text))
        figures.add("state", .word(state.wireName))
        figures.add("pri", Int(priority))
        figures.add("age", Figures.age(age))
        figures.add("delay", Int(delay))
        figures.add("ttr", Int(timeToRun))
        figures.add("time-left", Figures.secondsLeft(timeLeft, of: state == .delayed ? delay : timeToRun))
        figures.add("file", 0)
        figures.add("reserves", reserves)
        figures.add("timeouts", timeouts)
        figures.add("releases", releases)
        figures.add("buries", buries)
        figures.add("kicks", kicks)
        return figures
    }
}
