internal import BeanrowClient
internal import CommandLineSupport

/// What became of the lines so far, and what is to be said of it at the end.
struct ProducerTally: Sendable {
    /// Lines that are tasks now.
    private(set) var put = 0

    /// Lines of which nobody knows whether they are.
    private(set) var unknown: [Int] = []

    /// Lines that no manager takes, by reason.
    private(set) var refused: [String: [Int]] = [:]

    /// Lines that surely are not in the queue, since it had to be given up.
    private(set) var notPut: [Int] = []

    /// Why it was given up, if it was.
    var givenUp: String?

    /// Whether the input was read to its end.
    var sawEnd = false

    private var lastLine = 0

    /// Takes in what became of a line.
    ///
    /// - Returns: what to print for it where ids are asked for.
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
            givenUp = givenUp ?? error.description
            return "failed"
        }
    }

    /// Whether all lines are tasks now.
    var isComplete: Bool { unknown.isEmpty && refused.isEmpty && notPut.isEmpty && givenUp == nil && sawEnd }

    /// The lines for standard error, the count last.
    ///
    /// - Parameter time: how long it took.
    /// - Returns: the lines, without line ends.
    func summary(after time: Duration) -> [String] {
        var lines: [String] = []
        for (reason, numbers) in refused.sorted(by: { $0.value[0] < $1.value[0] }) {
            lines.append("refused, \(reason): \(Self.lines(numbers))")
        }
        if !notPut.isEmpty {
            lines.append("not put: \(Self.lines(notPut))")
        }
        if !unknown.isEmpty {
            lines.append(
                "put or not, nobody knows, since the connection was lost before the answer: \(Self.lines(unknown))"
            )
        }
        if let givenUp {
            let rest = sawEnd ? "" : "; nothing was put from line \(lastLine + 1) on"
            lines.append("given up: \(givenUp)\(rest)")
        }
        var counts = [Wording.count(put, "task") + " put in " + Wording.rate(put, in: time)]
        let refusals = refused.values.reduce(0) { $0 + $1.count }
        if refusals > 0 { counts.append("\(refusals) refused") }
        if !notPut.isEmpty { counts.append("\(notPut.count) not put") }
        if !unknown.isEmpty { counts.append("\(unknown.count) unknown") }
        lines.append(counts.joined(separator: ", "))
        return lines
    }

    // What no manager will ever take: the other lines can go on.
    private static let refusals: Set<ClientError.Code> = [
        .jobTooBig, .badFormat, .expectedCRLF, .internalError, .unknownCommand,
    ]

    private static func lines(_ numbers: [Int]) -> String {
        (numbers.count == 1 ? "line " : "lines ") + Wording.ranges(numbers)
    }
}
