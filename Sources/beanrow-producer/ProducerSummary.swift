internal import BeanrowClient
internal import CommandLineSupport

/// Counts the outcomes of the lines, for the lines at the end of the run.
struct ProducerSummary: Sendable {
    /// The number of lines that were put.
    private(set) var put = 0

    /// Lines that may have been put.
    private(set) var unknown: [Int] = []

    /// Lines that the manager does not accept, by reason.
    private(set) var refused: [String: [Int]] = [:]

    /// Lines that were not put, because of ``failure``.
    private(set) var notPut: [Int] = []

    /// The reason that the run ended early, or `nil`.
    var failure: String?

    /// Whether the input was read to its end.
    var sawEnd = false

    private var lastLine = 0

    /// Records the outcome of a line.
    ///
    /// - Returns: the text that `--print-ids` prints for it.
    mutating func add(line number: Int, _ outcome: Result<TaskID, ClientError>) -> String {
        lastLine = number
        switch outcome {
        case .success(let id):
            put += 1
            return id.description
        case .failure(let error) where error.code == .putOutcomeUnknown:
            unknown.append(number)
            return "unknown"
        case .failure(let error) where Self.refusals.contains(error.code):
            refused[error.message, default: []].append(number)
            return "refused"
        case .failure(let error):
            notPut.append(number)
            failure = failure ?? error.description
            return "failed"
        }
    }

    /// Whether all lines were put.
    var isComplete: Bool { unknown.isEmpty && refused.isEmpty && notPut.isEmpty && failure == nil && sawEnd }

    /// Returns the lines for standard error, with the counts last.
    ///
    /// - Parameter time: the duration of the run.
    /// - Returns: the lines, without line ends.
    func lines(after time: Duration) -> [String] {
        var lines: [String] = []
        for (reason, numbers) in refused.sorted(by: { $0.value[0] < $1.value[0] }) {
            lines.append("refused, \(reason): \(Self.lines(numbers))")
        }
        if !notPut.isEmpty {
            lines.append("not put: \(Self.lines(notPut))")
        }
        if !unknown.isEmpty {
            lines.append(
                "unknown, since the connection was lost before the answer: \(Self.lines(unknown))"
            )
        }
        if let failure {
            let rest = sawEnd ? "" : "; nothing was put from line \(lastLine + 1) on"
            lines.append("stopped: \(failure)\(rest)")
        }
        var counts = [Formatting.count(put, "task") + " put in " + Formatting.rate(put, in: time)]
        let refusals = refused.values.reduce(0) { $0 + $1.count }
        if refusals > 0 { counts.append("\(refusals) refused") }
        if !notPut.isEmpty { counts.append("\(notPut.count) not put") }
        if !unknown.isEmpty { counts.append("\(unknown.count) unknown") }
        lines.append(counts.joined(separator: ", "))
        return lines
    }

    // Errors of a single line: the other lines can still be put.
    private static let refusals: Set<ClientError.Code> = [
        .jobTooBig, .badFormat, .expectedCRLF, .internalError, .unknownCommand,
    ]

    private static func lines(_ numbers: [Int]) -> String {
        (numbers.count == 1 ? "line " : "lines ") + Formatting.ranges(numbers)
    }
}
