internal import TaskStore

extension TubeStatistics {
    /// Returns the figures of `stats-tube`, with beanstalkd's names in beanstalkd's order.
    ///
    /// - Parameter waiting: the sessions of this process that wait for the tube.
    /// - Returns: the figures.
    func figures(waiting: Int) -> Figures {
        var figures = Figures()
        figures.add("name", .text(name.text))
        figures.add("current-jobs-urgent", counts.urgent)
        figures.add(counts)
        figures.add("total-jobs", totalTasks)
        figures.add("current-using", using)
        figures.add("current-watching", watching)
        figures.add("current-waiting", waiting)
        figures.add("cmd-delete", deletes)
        figures.add("cmd-pause-tube", pauses)
        figures.add("pause", Int(pause))
        figures.add("pause-time-left", Figures.secondsLeft(pauseTimeLeft, of: pause))
        figures.add("oldest-pending-age", Figures.age(oldestPendingAge))
        return figures
    }
}

extension Figures {
    /// Returns an age in whole seconds: 0 if the clock was set back behind the moment of the put.
    static func age(_ milliseconds: Int64) -> Int {
        max(0, Int(milliseconds)) / 1000
    }

    /// Returns the seconds left of a span, rounded up: the whole span right after it began, and 0 only once it is over.
    ///
    /// - Parameters:
    ///   - milliseconds: what is left. Below 0 if the span is over, and more than the span if the clock was set back a
    ///     little since it began.
    ///   - seconds: the whole span.
    /// - Returns: from 0 to the whole span.
    static func secondsLeft(_ milliseconds: Int64, of seconds: UInt32) -> Int {
        min(max(0, Int(milliseconds) + 999) / 1000, Int(seconds))
    }
}
