import TaskStore
import Testing

@testable import Manager

/// The figures of `stats` commands, and their texts.
@Suite struct StatisticsTests {
    private func figure(_ key: String, in figures: Figures) -> String? {
        let lines = String(decoding: YAMLText.render(figures), as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix("\(key): ") }.map { String($0.dropFirst(key.count + 2)) }
    }

    private func task(_ state: TaskState, age: Int64 = 0, timeLeft: Int64 = 0) -> Figures {
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
        .figures
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
        #expect(figure("pause-time-left", in: tube.figures(waiting: 0)) == expected)
    }

    @Test func `an age is 0 if the clock was set back behind the moment of the put`() {
        #expect(figure("age", in: task(.pending, age: -3_600_000)) == "0")
        #expect(figure("age", in: task(.pending, age: 1999)) == "1")
        var tube = TubeStatistics(name: .default)
        tube.oldestPendingAge = -1
        #expect(figure("oldest-pending-age", in: tube.figures(waiting: 0)) == "0")
    }

    @Test func `the same figures are rendered as YAML and as JSON`() {
        var figures = Figures()
        figures.add("jobs", 3)
        figures.add("usage", .time(.seconds(12) + .microseconds(345)))
        figures.add("draining", .flag(false))
        figures.add("state", .word("ready"))
        figures.add("hostname", .text("a.example"))
        let yaml = "---\njobs: 3\nusage: 12.000345\ndraining: false\nstate: ready\nhostname: \"a.example\"\n"
        #expect(String(decoding: YAMLText.render(figures), as: UTF8.self) == yaml)
        let json = #"{"jobs":3,"usage":12.000345,"draining":false,"state":"ready","hostname":"a.example"}"#
        #expect(String(decoding: JSONText.render(figures), as: UTF8.self) == json)
    }

    @Test(arguments: [
        ("a\"b\\c", #""a\"b\\c""#), ("\u{0}\n\r\t\u{1b}", #""\u0000\n\r\t\u001b""#),
        ("\u{7f}\u{85}\u{2028}ö", #""\u007f\u0085\u2028ö""#),
    ])
    func `a JSON string has no quote, backslash or control character that is not escaped`(text: String, json: String) {
        var writer = JSONWriter()
        writer.string(text)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == json)
    }

    @Test func `metrics are rendered with help, type and escaped labels`() {
        let family = MetricFamily(
            .counter,
            "beanrow_example_total",
            "An example\\\nof two lines.",
            [
                .init(
                    labels: [.init(name: "tube", value: "a\"b\\c\nd"), .init(name: "state", value: "pending")],
                    value: 7
                ),
                .init(value: 0.5),
            ]
        )
        let text = """
            # HELP beanrow_example_total An example\\\\\\nof two lines.
            # TYPE beanrow_example_total counter
            beanrow_example_total{tube="a\\"b\\\\c\\nd",state="pending"} 7
            beanrow_example_total 0.5

            """
        #expect(String(decoding: PrometheusText.render([family]), as: UTF8.self) == text)
    }

    @Test func `each tube has its own samples in each metric of tubes`() throws {
        var mail = TubeStatistics(name: try #require(TubeName("mail")))
        mail.counts.buried = 3
        mail.oldestPendingAge = 1500
        let families = MetricFamily.tubes([TubeStatistics(name: .default), mail])
        let text = String(decoding: PrometheusText.render(families), as: UTF8.self)
        #expect(text.contains("beanrow_tube_tasks{tube=\"mail\",state=\"buried\"} 3\n"))
        #expect(text.contains("beanrow_tube_oldest_pending_age_seconds{tube=\"mail\"} 1.5\n"))
        #expect(families.allSatisfy { $0.samples.count == ($0.name == "beanrow_tube_tasks" ? 8 : 2) })
        #expect(families.allSatisfy { ($0.kind == .counter) == $0.name.hasSuffix("_total") })
    }
}
