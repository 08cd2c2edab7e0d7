/// Some consecutive lines of the input.
struct LineBatch: Sendable, Equatable {
    /// One line.
    enum Line: Sendable, Equatable {
        /// A line that can be the body of a task.
        case body([UInt8])

        /// A line that is longer than the largest body, with its length in bytes.
        case tooLong(Int)
    }

    /// The number of the first line, from 1.
    var firstNumber: Int

    /// The lines, without their line ends.
    var lines: [Line]
}
