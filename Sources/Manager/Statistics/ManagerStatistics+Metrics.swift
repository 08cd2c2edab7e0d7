internal import BeanstalkWire
internal import TaskStore

extension ManagerStatistics {
    /// The metrics of the process and of the whole store.
    ///
    /// Tubes are not among them: ``MetricFamily/tubes(_:)``.
    var metrics: [MetricFamily] {
        [
            MetricFamily(
                .counter,
                "beanrow_commands_total",
                "Commands that this manager has answered.",
                Verb.allCases.map { verb in
                    MetricFamily.Sample(
                        labels: [.init(name: "command", value: verb.name)],
                        value: Double(process.counters[verb])
                    )
                }
            ),
            MetricFamily(
                .gauge,
                "beanrow_connections",
                "Open connections of this manager; a connection may be of several kinds.",
                [
                    .init(labels: [.init(name: "kind", value: "all")], value: Double(process.connections)),
                    .init(labels: [.init(name: "kind", value: "producer")], value: Double(process.producers)),
                    .init(labels: [.init(name: "kind", value: "worker")], value: Double(process.workers)),
                    .init(labels: [.init(name: "kind", value: "waiting")], value: Double(process.waiting)),
                ]
            ),
            MetricFamily(
                .counter,
                "beanrow_connections_total",
                "Connections that this manager has accepted.",
                process.counters.connections
            ),
            MetricFamily(
                .gauge,
                "beanrow_memory_held_bytes",
                "Bytes of bodies, commands and answers that this manager holds.",
                process.heldMemory
            ),
            MetricFamily(
                .gauge,
                "beanrow_memory_budget_bytes",
                "The most bytes that --max-memory allows.",
                process.maximumMemory
            ),
            MetricFamily(
                .gauge,
                "beanrow_draining",
                "1 if this manager refuses new tasks, else 0.",
                process.isDraining ? 1 : 0
            ),
            MetricFamily(.gauge, "beanrow_tubes", "Tubes in the store.", store.tubes),
        ]
    }
}

extension MetricFamily {
    /// Returns the metrics of tubes, which are equal at every manager of the store.
    static func tubes(_ tubes: [TubeStatistics]) -> [MetricFamily] {
        func family(_ kind: Kind, _ name: String, _ help: String, _ value: (TubeStatistics) -> Double) -> MetricFamily {
            let samples = tubes.map { Sample(labels: [Label(name: "tube", value: $0.name.text)], value: value($0)) }
            return MetricFamily(kind, name, help, samples)
        }
        return [
            tasks(of: tubes),
            family(.gauge, "beanrow_tube_urgent_tasks", "Pending tasks with a priority below 1024.") {
                Double($0.counts.urgent)
            },
            family(.gauge, "beanrow_tube_oldest_pending_age_seconds", "The age of the oldest pending task.") {
                Double(max(0, $0.oldestPendingAge)) / 1000
            },
            family(.counter, "beanrow_tube_puts_total", "Tasks that were put since the tube exists.") {
                Double($0.totalTasks)
            },
            family(.counter, "beanrow_tube_deletes_total", "Tasks that were deleted since the tube exists.") {
                Double($0.deletes)
            },
            family(.gauge, "beanrow_tube_paused", "1 if the tube is paused, else 0.") { $0.pause > 0 ? 1 : 0 },
        ]
    }

    private static func tasks(of tubes: [TubeStatistics]) -> MetricFamily {
        let samples = tubes.flatMap { tube in
            [
                ("pending", tube.counts.pending), ("delayed", tube.counts.delayed), ("claimed", tube.counts.claimed),
                ("buried", tube.counts.buried),
            ]
            .map { state, count in
                let labels = [Label(name: "tube", value: tube.name.text), Label(name: "state", value: state)]
                return Sample(labels: labels, value: Double(count))
            }
        }
        return MetricFamily(.gauge, "beanrow_tube_tasks", "Tasks of a tube by state.", samples)
    }
}
