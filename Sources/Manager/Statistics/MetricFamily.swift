/// One metric with its samples, in the model of Prometheus.
struct MetricFamily: Sendable, Equatable {
    /// Whether the value only grows.
    enum Kind: String, Sendable {
        case counter
        case gauge
    }

    /// One value of the metric, with the labels that tell it from the others.
    struct Sample: Sendable, Equatable {
        var labels: [Label] = []
        var value: Double
    }

    /// The name and the value of a label.
    struct Label: Sendable, Equatable {
        var name: String
        var value: String
    }

    /// The name; that of a counter ends with `_total`.
    var name: String

    /// One sentence about it.
    var help: String
    var kind: Kind
    var samples: [Sample]

    /// Makes a metric with one sample without labels.
    init(_ kind: Kind, _ name: String, _ help: String, _ value: Int) {
        self.init(kind, name, help, [Sample(value: Double(value))])
    }

    /// Makes a metric.
    init(_ kind: Kind, _ name: String, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }
}
