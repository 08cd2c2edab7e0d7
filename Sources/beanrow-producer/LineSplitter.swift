/// Splits chunks of bytes into lines.
///
/// The chunks may end anywhere.
///
/// A line ends with LF only. All other bytes, also CR, belong to the line. Bytes after the last LF are a line too.
struct LineSplitter {
    private let longest: Int
    private var partial: [UInt8] = []
    private var partialLength = 0
    private var lines: [LineBatch.Line] = []
    private var nextNumber = 1

    /// Creates a splitter that starts with line 1.
    ///
    /// - Parameter longest: the most bytes of a line. Of a longer line only the length is kept.
    init(longest: Int) {
        self.longest = longest
    }

    /// Adds the next bytes.
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

    /// Ends the input.
    ///
    /// Bytes after the last line end become a line.
    mutating func finish() {
        if partialLength > 0 {
            endPartial()
        }
    }

    /// Removes and returns the complete lines.
    ///
    /// - Parameter count: the most lines per batch.
    /// - Returns: the batches; empty if there is no complete line.
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
