/// Some consecutive lines of the input.
struct LineBatch: Sendable, Equatable {
    /// What became of a line.
    enum Line: Sendable, Equatable {
        /// A line that can be a task's body.
        case body([UInt8])

        /// A line that is too long to be kept, with its length in bytes.
        case tooLong(Int)
    }

    /// The number of the first line, from 1.
    var firstNumber: Int

    /// The lines, without their line ends.
    var lines: [Line]
}

/// Takes lines out of chunks of bytes, wherever the chunks are cut.
///
/// A line ends with LF and nothing else; all other bytes, CR among them, are kept as they are. Bytes after the last LF
/// are a line too.
struct LineSplitter {
    private let longest: Int
    private var partial: [UInt8] = []
    private var partialLength = 0
    private var lines: [LineBatch.Line] = []
    private var nextNumber = 1

    /// Begins with line 1.
    ///
    /// - Parameter longest: the most bytes a line may have to be kept; of longer ones only the length is.
    init(longest: Int) {
        self.longest = longest
    }

    /// Takes the next bytes in.
    mutating func append(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            if partialLength == 0 {
                lines.append(line(rest[rest.startIndex..<end]))
            } else {
                keep(rest[rest.startIndex..<end])
                endPartial()
            }
            rest = rest[(end + 1)...]
        }
        keep(rest)
    }

    /// Says that no more bytes come: what is left is a line.
    mutating func finish() {
        if partialLength > 0 {
            endPartial()
        }
    }

    /// Takes the lines that are whole.
    ///
    /// - Parameter count: the most lines to take.
    /// - Returns: nothing where there are none.
    mutating func take(upTo count: Int) -> [LineBatch] {
        defer { lines = [] }
        return stride(from: 0, to: lines.count, by: count)
            .map { start in
                let some = Array(lines[start..<min(start + count, lines.count)])
                defer { nextNumber += some.count }
                return LineBatch(firstNumber: nextNumber, lines: some)
            }
    }

    private func line(_ bytes: ArraySlice<UInt8>) -> LineBatch.Line {
        bytes.count > longest ? .tooLong(bytes.count) : .body(Array(bytes))
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) {
        partialLength += bytes.count
        if partialLength > longest {
            partial = []
        } else {
            partial += bytes
        }
    }

    private mutating func endPartial() {
        lines.append(partialLength > longest ? .tooLong(partialLength) : .body(partial))
        partial = []
        partialLength = 0
    }
}
